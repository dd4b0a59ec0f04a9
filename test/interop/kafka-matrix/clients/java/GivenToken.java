/** Shows the token that the login's settings hold: Kafka's own handlers fetch one, or sign none. */

import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.UnsupportedCallbackException;
import javax.security.auth.login.AppConfigurationEntry;
import org.apache.kafka.common.security.auth.AuthenticateCallbackHandler;
import org.apache.kafka.common.security.auth.SaslExtensionsCallback;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerToken;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerTokenCallback;

public final class GivenToken implements AuthenticateCallbackHandler, OAuthBearerToken {
  private static final long LIFETIME_MS = 3_600_000;

  private final long startMs = System.currentTimeMillis();
  private String token;

  @Override
  public void configure(
      Map<String, ?> settings, String mechanism, List<AppConfigurationEntry> logins) {
    token = (String) logins.get(0).getOptions().get("token");
  }

  @Override
  public void handle(Callback[] callbacks) throws UnsupportedCallbackException {
    for (Callback callback : callbacks) {
      if (callback instanceof OAuthBearerTokenCallback) {
        ((OAuthBearerTokenCallback) callback).token(this);
      } else if (!(callback instanceof SaslExtensionsCallback)) {
        throw new UnsupportedCallbackException(callback);
      }
    }
  }

  @Override
  public void close() {}

  @Override
  public String value() {
    return token;
  }

  @Override
  public Set<String> scope() {
    return Set.of();
  }

  @Override
  public long lifetimeMs() {
    return startMs + LIFETIME_MS;
  }

  @Override
  public String principalName() {
    return "ann";
  }

  @Override
  public Long startTimeMs() {
    return startMs;
  }
}
