import io.weightloom.io.BlockTables;
import io.weightloom.io.ByteSource;
import io.weightloom.io.ModelDir;
import io.weightloom.io.Storage;
import io.weightloom.io.TensorLocation;
import io.weightloom.io.safetensors.Profile;
import java.lang.management.ManagementFactory;
import java.util.HashMap;
import java.util.Map;

/** Reads all of a model block by block on one thread: prints wall and CPU GB/s of the best of so many rounds. */
final class ReadBlocks {
  public static void main(String[] args) {
    String path = args[0];
    boolean checked = args.length > 2 && args[2].equals("checked");
    double wall = 0;
    double cpu = 0;
    ModelDir model = ModelDir.open(path, Profile.REFERENCE);
    byte[] block = new byte[1 << 20];
    for (int round = 0; round < Integer.parseInt(args[1]); round++) {
      long bytes = 0;
      long beginCpu = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
      long begin = System.nanoTime();
      Map<String, ByteSource> sources = new HashMap<>();
      for (TensorLocation t : model.tensors().values()) {
        String file = checked ? BlockTables.checked(t.file()) : t.file();
        ByteSource source = sources.computeIfAbsent(file, f -> Storage.of(f).open(f));
        for (long at = t.begin(); at < t.end(); at += block.length) {
          int n = (int) Math.min(block.length, t.end() - at);
          source.readFully(at, block, 0, n);
          bytes += n;
        }
      }
      sources.values().forEach(ByteSource::close);
      wall = Math.max(wall, bytes / (double) (System.nanoTime() - begin));
      cpu =
          Math.max(
              cpu,
              bytes
                  / (double)
                      (ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - beginCpu));
    }
    System.out.printf("{\"wall_gbs\": %.2f, \"cpu_gbs\": %.2f}%n", wall, cpu);
  }
}
