import java.io.BufferedOutputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs Kafka's command line tools one after the other in one process, so that each does not cost the
 * start of a Java machine. Reads requests from its input and writes answers to its output, as the
 * other side of kafka-tools.ts: numbers of four bytes, and texts as their length and UTF-8 bytes.
 *
 * <pre>
 * request  main class, number of arguments, each argument, text of the standard input
 * answer   exit code, text of the standard output, text of the standard error
 * </pre>
 *
 * Every command gets the tools' classes anew: some keep their state in static fields.
 */
public final class KafkaToolDriver {
  private static final SwitchedStream OUT = new SwitchedStream();
  private static final SwitchedStream ERR = new SwitchedStream();
  private static final List<Runnable> HOOKS = new ArrayList<>();
  private static Integer exitCode;

  public static void main(String[] args) throws Exception {
    DataInputStream requests = new DataInputStream(System.in);
    DataOutputStream answers =
        new DataOutputStream(new BufferedOutputStream(new FileOutputStream(FileDescriptor.out)));
    System.setOut(new PrintStream(OUT, true, StandardCharsets.UTF_8));
    System.setErr(new PrintStream(ERR, true, StandardCharsets.UTF_8));
    Exit.setExitProcedure((code, message) -> leave(code));
    Exit.setHaltProcedure((code, message) -> leave(code));
    Exit.setShutdownHookAdder((name, hook) -> HOOKS.add(hook));
    while (true) {
      String mainClass;
      try {
        mainClass = readText(requests);
      } catch (EOFException end) {
        System.exit(0);
        return;
      }
      String[] arguments = new String[requests.readInt()];
      for (int nth = 0; nth < arguments.length; nth++) arguments[nth] = readText(requests);
      String input = readText(requests);
      ByteArrayOutputStream out = OUT.catchAll();
      ByteArrayOutputStream err = ERR.catchAll();
      answers.writeInt(run(mainClass, arguments, input));
      writeText(answers, out.toString(StandardCharsets.UTF_8));
      writeText(answers, err.toString(StandardCharsets.UTF_8));
      answers.flush();
    }
  }

  private static int run(String mainClass, String[] arguments, String input) {
    exitCode = null;
    HOOKS.clear();
    System.setIn(new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)));
    ClassLoader loader = new ToolLoader(KafkaToolDriver.class.getClassLoader());
    Thread.currentThread().setContextClassLoader(loader);
    int uncaught = 0;
    try {
      call(loader, mainClass, arguments);
    } catch (Left left) {
      // The tool has said its exit code.
    } catch (Throwable failure) {
      // What Java does with an exception that leaves main.
      System.err.print("Exception in thread \"main\" ");
      failure.printStackTrace();
      uncaught = 1;
    }
    // What Java would do as it ends; some tools send what they hold only then.
    OUT.mute(false);
    ERR.mute(false);
    List.copyOf(HOOKS).forEach(Runnable::run);
    return exitCode == null ? uncaught : exitCode;
  }

  private static void call(ClassLoader loader, String mainClass, String[] arguments)
      throws Throwable {
    try {
      loader.loadClass(mainClass).getMethod("main", String[].class).invoke(null, (Object) arguments);
    } catch (InvocationTargetException thrown) {
      throw thrown.getCause();
    }
  }

  /**
   * The first code counts, and nothing is said after it: where a tool catches whatever it meets, it
   * tells of this too, and leaves once more.
   */
  private static void leave(int code) {
    if (exitCode == null) exitCode = code;
    OUT.mute(true);
    ERR.mute(true);
    throw new Left();
  }

  private static String readText(DataInputStream from) throws IOException {
    return new String(from.readNBytes(from.readInt()), StandardCharsets.UTF_8);
  }

  private static void writeText(DataOutputStream to, String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    to.writeInt(bytes.length);
    to.write(bytes);
  }

  /** Thrown where a tool would end the process. */
  private static final class Left extends Error {
    Left() {
      super("the tool has left", null, false, false);
    }
  }

  /** A stream that stays the same for who keeps it, and leads to the buffer of the present command. */
  private static final class SwitchedStream extends OutputStream {
    private volatile ByteArrayOutputStream buffer = new ByteArrayOutputStream();
    private volatile boolean muted;

    ByteArrayOutputStream catchAll() {
      buffer = new ByteArrayOutputStream();
      return buffer;
    }

    void mute(boolean wanted) {
      muted = wanted;
    }

    @Override
    public void write(int octet) {
      if (!muted) buffer.write(octet);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
      if (!muted) buffer.write(bytes, offset, length);
    }
  }

  /** Defines the tools' own classes itself, and takes the clients' from its parent. */
  private static final class ToolLoader extends ClassLoader {
    private static final String TOOLS = "org.apache.kafka.tools.";

    ToolLoader(ClassLoader parent) {
      super(parent);
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      if (!name.startsWith(TOOLS)) return super.loadClass(name, resolve);
      synchronized (getClassLoadingLock(name)) {
        Class<?> loaded = findLoadedClass(name);
        return loaded != null ? loaded : define(name);
      }
    }

    private Class<?> define(String name) throws ClassNotFoundException {
      try (InputStream file = getResourceAsStream(name.replace('.', '/') + ".class")) {
        if (file == null) throw new ClassNotFoundException(name);
        byte[] bytes = file.readAllBytes();
        return defineClass(name, bytes, 0, bytes.length);
      } catch (IOException failure) {
        throw new ClassNotFoundException(name, failure);
      }
    }
  }
}
