package io.weightloom.source;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.ObjectStreamClass;
import java.io.Serializable;
import org.apache.spark.sql.connector.write.WriterCommitMessage;
import org.jspecify.annotations.Nullable;

/**
 * What a task tells the driver, as bytes: results go through {@code spark.serializer}, and Kryo
 * knows no records.
 */
final class TaskMessage implements WriterCommitMessage {
  private static final long serialVersionUID = 1;

  private final byte[] object;

  private TaskMessage(byte[] object) {
    this.object = object;
  }

  static TaskMessage of(Serializable said) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(said);
    } catch (IOException e) {
      throw new IllegalStateException("writing to memory failed", e);
    }
    return new TaskMessage(bytes.toByteArray());
  }

  /** What was said, of the class that is known to have been. */
  <T> T as(Class<T> type) {
    try (ObjectInputStream in = new OwnClasses(new ByteArrayInputStream(object))) {
      return type.cast(in.readObject());
    } catch (IOException | ClassNotFoundException e) {
      throw new IllegalStateException("reading from memory failed", e);
    }
  }

  /** Our classes may come from a jar that the JVM was not started with. */
  private static final class OwnClasses extends ObjectInputStream {
    OwnClasses(ByteArrayInputStream in) throws IOException {
      super(in);
    }

    @Override
    protected Class<?> resolveClass(ObjectStreamClass described)
        throws IOException, ClassNotFoundException {
      @Nullable ClassLoader loader = TaskMessage.class.getClassLoader();
      return Class.forName(described.getName(), false, loader);
    }
  }
}
