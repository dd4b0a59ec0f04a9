/** How a task's client connects: by which protocol, as whom. */

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

final class Settings {
  private static final String LOGINS = "org.apache.kafka.common.security.";

  private Settings() {}

  static Map<String, Object> connection(JsonNode task) {
    boolean tls = task.get("tls").asBoolean();
    String mechanism = task.get("mechanism").asText();
    String text = "org.apache.kafka.common.serialization.String";
    Map<String, Object> settings = new HashMap<>();
    settings.put("bootstrap.servers", task.get("broker").asText());
    settings.put("key.serializer", text + "Serializer");
    settings.put("value.serializer", text + "Serializer");
    settings.put("key.deserializer", text + "Deserializer");
    settings.put("value.deserializer", text + "Deserializer");
    settings.put(
        "security.protocol", (mechanism.isEmpty() ? "" : "SASL_") + (tls ? "SSL" : "PLAINTEXT"));
    if (tls) {
      settings.put("ssl.truststore.type", "PEM");
      settings.put("ssl.truststore.location", task.get("caFile").asText());
    }
    if (!task.get("certFile").asText().isEmpty()) {
      settings.put("ssl.keystore.type", "PEM");
      settings.put("ssl.keystore.certificate.chain", contentOf(task.get("certFile")));
      settings.put("ssl.keystore.key", contentOf(task.get("keyFile")));
    }
    if (!mechanism.isEmpty()) {
      settings.put("sasl.mechanism", mechanism);
      settings.put("sasl.jaas.config", login(mechanism, task));
    }
    if (mechanism.equals("OAUTHBEARER")) {
      settings.put("sasl.login.callback.handler.class", GivenToken.class.getName());
    }
    return settings;
  }

  private static String contentOf(JsonNode file) {
    try {
      return Files.readString(Path.of(file.asText()));
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  private static String login(String mechanism, JsonNode task) {
    if (mechanism.equals("OAUTHBEARER")) {
      return LOGINS
          + "oauthbearer.OAuthBearerLoginModule required token=\""
          + task.get("token").asText()
          + "\";";
    }
    String module = mechanism.equals("PLAIN") ? "plain.PlainLoginModule" : "scram.ScramLoginModule";
    return String.format(
        "%s%s required username=\"%s\" password=\"%s\";",
        LOGINS, module, task.get("user").asText(), task.get("password").asText());
  }
}
