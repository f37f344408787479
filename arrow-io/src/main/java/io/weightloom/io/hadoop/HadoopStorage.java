package io.weightloom.io.hadoop;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.ByteSource;
import io.weightloom.io.Storage;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.util.functional.FutureIO;

/** Files of the Hadoop file system that a path's scheme names. Thread-safe. */
public final class HadoopStorage implements Storage {
  private final Configuration configuration;

  /**
   * @param configuration how to reach the file systems; not changed
   */
  public HadoopStorage(Configuration configuration) {
    this.configuration = configuration;
  }

  @Override
  public boolean exists(String path) {
    return ask("look for", path, (fs, p) -> fs.exists(p));
  }

  @Override
  public boolean isDirectory(String path) {
    return ask(
        "look at",
        path,
        (fs, p) -> {
          try {
            return fs.getFileStatus(p).isDirectory();
          } catch (FileNotFoundException e) {
            return false;
          }
        });
  }

  @Override
  public List<String> list(String dir) {
    return ask(
        "list",
        dir,
        (fs, p) ->
            Arrays.stream(fs.listStatus(p)).map(s -> s.getPath().getName()).sorted().toList());
  }

  @Override
  public ByteSource open(String path) {
    return ask(
        "open",
        path,
        (fs, p) -> {
          FileStatus status = fs.getFileStatus(p);
          // The status spares object stores a second request, the policy a read-ahead.
          FSDataInputStream in =
              FutureIO.awaitFuture(
                  fs.openFile(p)
                      .withFileStatus(status)
                      .opt("fs.option.openfile.read.policy", "random")
                      .build());
          return new HadoopByteSource(path, in, status.getLen());
        });
  }

  private <T> T ask(String verb, String path, Question<T> question) {
    try {
      Path p = new Path(path);
      return question.answer(p.getFileSystem(configuration), p);
    } catch (FileNotFoundException e) {
      throw failure(verb, path, "there is no such file");
    } catch (IOException | IllegalArgumentException e) {
      throw failure(verb, path, e.toString());
    }
  }

  private static WeightloomException failure(String verb, String path, String why) {
    return WeightloomException.input(
        "Cannot %s %s: %s (see whether the path is right, may be read and its connector is on the class path)"
            .formatted(verb, path, why));
  }

  @FunctionalInterface
  private interface Question<T> {
    T answer(FileSystem fs, Path path) throws IOException;
  }
}
