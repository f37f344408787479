package io.weightloom.cli;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.ModelDir;
import io.weightloom.io.ModelIdentity;
import io.weightloom.io.ModelReference;
import io.weightloom.io.arrow.ArrowExport;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.job.Units;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code weightloom export}. */
@Command(
    name = "export",
    description = "Write the blocks of a model, or their statistics, in Arrow's format.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples:%n",
    footer = {
      "  weightloom export merged merged.arrow",
      "  weightloom export table/model=base up.arrow --tensors '*.up_proj.*'",
      "  weightloom export merged - --what stats --format stream | python3 reader.py"
    })
final class ExportCommand implements Callable<Integer> {
  private static final String STANDARD_OUTPUT = "-";

  @Parameters(
      index = "0",
      paramLabel = "MODEL",
      description = "a directory, a block table, a safetensors file, or a name in the cache")
  private String model = "";

  @Parameters(
      index = "1",
      paramLabel = "OUT",
      description = "the file to make; - for standard output")
  private String output = "";

  @Mixin private TensorsOption tensors = new TensorsOption();

  @Option(
      names = "--what",
      paramLabel = "blocks|stats",
      defaultValue = "blocks",
      description = "blocks, or all that is known of them and not their data (default: blocks)")
  private ArrowExport.What what = ArrowExport.What.BLOCKS;

  @Option(
      names = "--format",
      paramLabel = "file|stream",
      description = "Arrow's file or stream format (default: file; stream for -)")
  private ArrowExport.@Nullable Format format;

  @Option(
      names = "--block-size",
      paramLabel = "SIZE",
      defaultValue = "1m",
      converter = BlockSizeConverter.class,
      description = "bytes of a block of a 16-bit type: 1m, 256k (default: 1m)")
  private int blockElements;

  @Option(names = "--overwrite", description = "replace OUT if it exists")
  private boolean overwrite;

  @Override
  public Integer call() throws IOException {
    String location = ModelReference.resolve(model, System.getenv());
    ModelDir dir = ModelDir.open(location, Profile.REFERENCE);
    Set<String> wanted =
        tensors.of("export", model, dir).stream()
            .map(t -> t.spec().name())
            .collect(Collectors.toSet());
    ArrowExport.Options options =
        new ArrowExport.Options(
            what, format(), wanted::contains, blockElements, ModelIdentity.of(location));
    ArrowExport.Written written =
        output.equals(STANDARD_OUTPUT)
            ? ArrowExport.write(dir, options, "standard output", Channels.newChannel(System.out))
            : toFile(dir, options);
    System.out.flush();
    System.err.printf(
        "exported %d tensors in %d blocks of %s: %s%n",
        written.tensors(), written.blocks(), Units.bytes(written.bytes()), output);
    return 0;
  }

  private ArrowExport.Format format() {
    ArrowExport.Format asked = format;
    if (asked != null) {
      return asked;
    }
    return output.equals(STANDARD_OUTPUT) ? ArrowExport.Format.STREAM : ArrowExport.Format.FILE;
  }

  private ArrowExport.Written toFile(ModelDir dir, ArrowExport.Options options) {
    Path file = Path.of(output).toAbsolutePath();
    if (Files.isDirectory(file) || (Files.exists(file) && !overwrite)) {
      throw WeightloomException.conflict(
          "Cannot write %s: it %s (choose another file%s)"
              .formatted(
                  output,
                  Files.isDirectory(file) ? "is a directory" : "exists",
                  Files.isDirectory(file) ? "" : ", or pass --overwrite"));
    }
    Path temporary = file.resolveSibling("." + file.getFileName() + "." + UUID.randomUUID());
    try {
      try (WritableByteChannel out =
          FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        ArrowExport.Written written = ArrowExport.write(dir, options, output, out);
        Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
        return written;
      } finally {
        Files.deleteIfExists(temporary);
      }
    } catch (IOException e) {
      throw WeightloomException.conflict(
          "Cannot write %s: %s (see the directory, the disk and its rights)".formatted(output, e));
    }
  }
}
