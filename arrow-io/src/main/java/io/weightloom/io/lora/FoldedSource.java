package io.weightloom.io.lora;

import io.weightloom.io.ByteSource;
import io.weightloom.io.Storage;
import io.weightloom.io.VirtualSource;
import io.weightloom.io.safetensors.SafetensorsHeader;
import io.weightloom.io.safetensors.SafetensorsLayout;
import io.weightloom.io.safetensors.StoredTensor;
import io.weightloom.kernel.KernelRegistry;
import io.weightloom.merge.Arith;
import io.weightloom.merge.DoubleArith;
import io.weightloom.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A weights file of a base model with adapters folded in: {@code W + Σ fᵢ·(αᵢ/rᵢ)·Bᵢ·Aᵢ}, each
 * element summed in fp64 in the order of the adapters and their ranks, and rounded once to the
 * base's dtype. The header is the base's and says of what it was folded; all else that no adapter
 * changes is passed on. An element does not depend on what is read with it. Thread-safe.
 */
final class FoldedSource extends VirtualSource {
  private static final String METADATA = "lora";
  private static final int SHA_DIGITS = 16;

  private final ByteSource base;
  private final List<StoredTensor> stored;
  private final Map<String, List<Change>> changes = new HashMap<>();
  private final Map<String, ByteSource> open = new ConcurrentHashMap<>();
  private @Nullable Loaded loaded;

  /** The factors of one tensor's changes, null for a whole tensor. */
  private record Loaded(String tensor, List<Change.@Nullable Factors> factors) {}

  private FoldedSource(
      String path, ByteSource base, SafetensorsHeader header, List<Adapter> adapters) {
    super(path, base, layout(header, adapters));
    this.base = base;
    this.stored = header.tensors();
    for (StoredTensor tensor : stored) {
      List<Change> of = new ArrayList<>();
      adapters.forEach(a -> a.changeOf(tensor.spec()).ifPresent(of::add));
      if (!of.isEmpty()) {
        changes.put(tensor.spec().name(), of);
      }
    }
  }

  private static SafetensorsLayout layout(SafetensorsHeader header, List<Adapter> adapters) {
    Map<String, String> metadata = new TreeMap<>(header.metadata());
    metadata.put(
        METADATA,
        adapters.stream()
            .map(a -> a.header().sha256().substring(0, SHA_DIGITS) + " * " + a.factor())
            .collect(Collectors.joining(" + ")));
    return SafetensorsLayout.inOrder(
        header.tensors().stream().map(StoredTensor::spec).toList(), metadata);
  }

  /**
   * Folds adapters into a file.
   *
   * @param path what to call it in errors
   * @param base the file; closed with this source, or if it cannot be made
   * @param adapters reads them
   */
  static FoldedSource of(String path, ByteSource base, Supplier<List<Adapter>> adapters) {
    return over(base, header -> new FoldedSource(path, base, header, adapters.get()));
  }

  @Override
  protected void read(int index, long position, byte[] dst, int offset, int length) {
    StoredTensor tensor = stored.get(index);
    base.readFully(tensor.begin() + position, dst, offset, length);
    List<Change> of = changes.get(tensor.spec().name());
    if (of != null) {
      fold(tensor, of, position, dst, offset, length);
    }
  }

  /** Folds a range of a tensor, which may begin and end within an element. */
  private void fold(
      StoredTensor tensor, List<Change> of, long position, byte[] dst, int offset, int length) {
    int width = tensor.spec().dtype().bytes();
    long limit = position + length;
    long end = (limit + width - 1) / width;
    List<Change.@Nullable Factors> factors = factors(tensor.spec().name(), of);
    Chunks chunks = new Chunks(tensor.spec(), of, factors);
    byte[] alone = new byte[width];
    for (long at = position / width; at < end; ) {
      long begin = at * width;
      int n = 1;
      if (begin >= position && begin + width <= limit) {
        n = (int) Math.min(chunks.upTo(at, end), (limit - begin) / width);
        chunks.fold(dst, offset + (int) (begin - position), at, n);
      } else {
        base.readFully(tensor.begin() + begin, alone, 0, width);
        chunks.fold(alone, 0, at, 1);
        int skip = (int) Math.max(0, position - begin);
        int count = (int) Math.min(width, limit - begin) - skip;
        System.arraycopy(alone, skip, dst, offset + (int) (begin + skip - position), count);
      }
      at += n;
    }
  }

  private List<Change.@Nullable Factors> factors(String tensor, List<Change> of) {
    synchronized (changes) {
      Loaded last = loaded;
      if (last == null || !last.tensor.equals(tensor)) {
        loaded = null;
        List<Change.@Nullable Factors> factors = new ArrayList<>();
        for (Change change : of) {
          factors.add(change.whole() == null ? change.factors(source(change)) : null);
        }
        last = new Loaded(tensor, factors);
        loaded = last;
      }
      return last.factors;
    }
  }

  private ByteSource source(Change change) {
    String file = change.adapter().header().path();
    return open.computeIfAbsent(file, f -> Storage.of(f).open(f));
  }

  @Override
  public void close() {
    super.close();
    open.values().forEach(ByteSource::close);
  }

  /** Folds run after run of elements, none longer than a row of the tensor. */
  private final class Chunks {
    private final TensorSpec spec;
    private final List<Change> of;
    private final List<Change.@Nullable Factors> factors;
    private final DoubleArith arith = new DoubleArith(KernelRegistry.get().kernels());
    private final double[] sum = arith.vector();
    private final long columns;
    private final double ofBase;

    Chunks(TensorSpec spec, List<Change> of, List<Change.@Nullable Factors> factors) {
      this.spec = spec;
      this.of = of;
      this.factors = factors;
      List<Long> dims = spec.shape().dims();
      this.columns = dims.isEmpty() ? 1 : Math.max(1, spec.elements() / Math.max(1, dims.get(0)));
      // What a whole tensor takes the place of.
      this.ofBase = 1 - of.stream().filter(c -> c.whole() != null).mapToDouble(Change::scale).sum();
    }

    int upTo(long at, long end) {
      long endOfRow = (at / columns + 1) * columns;
      return (int) Math.min(Arith.CAPACITY, Math.min(end, endOfRow) - at);
    }

    void fold(byte[] bytes, int offset, long first, int n) {
      arith.decode(spec.dtype(), bytes, offset, sum, n);
      if (ofBase != 1) {
        for (int i = 0; i < n; i++) {
          sum[i] *= ofBase;
        }
      }
      for (int c = 0; c < of.size(); c++) {
        Change.Factors f = factors.get(c);
        if (f != null) {
          f.addTo(sum, (int) (first / columns), (int) (first % columns), n);
        } else {
          addWhole(of.get(c), first, n);
        }
      }
      arith.encode(spec.dtype(), sum, n, bytes, offset);
    }

    private void addWhole(Change change, long first, int n) {
      double[] values =
          Change.read(source(change), Objects.requireNonNull(change.whole()), first, n);
      for (int i = 0; i < n; i++) {
        sum[i] += change.scale() * values[i];
      }
    }
  }
}
