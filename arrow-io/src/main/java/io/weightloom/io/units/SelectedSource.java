package io.weightloom.io.units;

import io.weightloom.io.ByteSource;
import io.weightloom.io.Reads;
import io.weightloom.io.UnitSelection;
import io.weightloom.io.UnitSelection.Part;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.io.safetensors.SafetensorsHeader;
import io.weightloom.io.safetensors.SafetensorsLayout;
import io.weightloom.io.safetensors.StoredTensor;
import io.weightloom.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A weights file of a model of which some units stay: the base's tensors in its order, those with
 * units gathered from the base's bytes, or computed of those that are merged. Thread-safe.
 */
final class SelectedSource implements ByteSource {
  private final String path;
  private final ByteSource base;
  private final List<StoredTensor> stored;
  private final SafetensorsLayout layout;
  private final long[] begins;
  private final Map<String, UnitReader> readers = new HashMap<>();

  private SelectedSource(
      String path, ByteSource base, SafetensorsHeader header, UnitSelection selection) {
    this.path = path;
    this.base = base;
    this.stored = header.tensors();
    List<TensorSpec> specs = new ArrayList<>();
    for (StoredTensor tensor : stored) {
      TensorSpec spec = tensor.spec();
      Part part = selection.parts().get(spec.name());
      if (part == null) {
        specs.add(spec);
      } else {
        List<Integer> order = selection.order(part);
        Map<Integer, List<Integer>> merged = selection.merged(part);
        readers.put(
            spec.name(),
            merged.isEmpty()
                ? Gather.of(tensor, part, order)
                : Fusion.of(tensor, part, order, merged));
        specs.add(new TensorSpec(spec.name(), spec.dtype(), Gather.shape(spec, part, order)));
      }
    }
    this.layout = SafetensorsLayout.inOrder(specs, header.metadata());
    this.begins = layout.tensors().stream().mapToLong(StoredTensor::begin).toArray();
  }

  /**
   * Gathers from a file.
   *
   * @param path what to call it in errors
   * @param base the file; closed with this source, or if it cannot be made
   */
  static SelectedSource of(String path, ByteSource base, UnitSelection selection) {
    try {
      return new SelectedSource(
          path, base, SafetensorsHeader.read(base, Profile.REFERENCE), selection);
    } catch (RuntimeException e) {
      base.close();
      throw e;
    }
  }

  @Override
  public String path() {
    return path;
  }

  @Override
  public long size() {
    return layout.fileSize();
  }

  @Override
  public void readFully(long position, byte[] dst, int offset, int length) {
    Reads.check(this, position, dst, offset, length);
    byte[] header = layout.header();
    int done = (int) Math.max(0, Math.min(length, header.length - position));
    if (done > 0) {
      System.arraycopy(header, (int) position, dst, offset, done);
    }
    for (int at = done == length ? begins.length : Reads.firstBehind(begins, position + done);
        at < begins.length && begins[at] < position + length;
        at++) {
      StoredTensor tensor = layout.tensors().get(at);
      long from = Math.max(position, tensor.begin());
      int count = (int) (Math.min(position + length, tensor.end()) - from);
      if (count > 0) {
        read(at, from - tensor.begin(), dst, offset + (int) (from - position), count);
      }
    }
  }

  private void read(int tensor, long position, byte[] dst, int offset, int length) {
    UnitReader reader = readers.get(stored.get(tensor).spec().name());
    if (reader == null) {
      base.readFully(stored.get(tensor).begin() + position, dst, offset, length);
    } else {
      reader.read(base, position, dst, offset, length);
    }
  }

  @Override
  public void close() {
    base.close();
  }
}
