package io.weightloom.io.units;

import io.weightloom.io.ByteSource;
import io.weightloom.io.UnitSelection;
import io.weightloom.io.UnitSelection.Part;
import io.weightloom.io.VirtualSource;
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
final class SelectedSource extends VirtualSource {
  private final ByteSource base;
  private final List<StoredTensor> stored;
  private final Map<String, UnitReader> readers;

  private SelectedSource(
      String path,
      ByteSource base,
      List<StoredTensor> stored,
      Map<String, UnitReader> readers,
      SafetensorsLayout layout) {
    super(path, base, layout);
    this.base = base;
    this.stored = stored;
    this.readers = readers;
  }

  /**
   * Gathers from a file.
   *
   * @param path what to call it in errors
   * @param base the file; closed with this source, or if it cannot be made
   */
  static SelectedSource of(String path, ByteSource base, UnitSelection selection) {
    return over(base, header -> of(path, base, header, selection));
  }

  private static SelectedSource of(
      String path, ByteSource base, SafetensorsHeader header, UnitSelection selection) {
    Map<String, UnitReader> readers = new HashMap<>();
    List<TensorSpec> specs = new ArrayList<>();
    for (StoredTensor tensor : header.tensors()) {
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
    return new SelectedSource(
        path, base, header.tensors(), readers, SafetensorsLayout.inOrder(specs, header.metadata()));
  }

  @Override
  protected void read(int index, long position, byte[] dst, int offset, int length) {
    StoredTensor tensor = stored.get(index);
    UnitReader reader = readers.get(tensor.spec().name());
    if (reader == null) {
      base.readFully(tensor.begin() + position, dst, offset, length);
    } else {
      reader.read(base, position, dst, offset, length);
    }
  }
}
