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
 * units gathered from the base's bytes. Thread-safe.
 */
final class SelectedSource extends VirtualSource {
  private final ByteSource base;
  private final List<StoredTensor> stored;
  private final Map<String, Gather> gathers;

  private SelectedSource(
      String path,
      ByteSource base,
      List<StoredTensor> stored,
      Map<String, Gather> gathers,
      SafetensorsLayout layout) {
    super(path, base, layout);
    this.base = base;
    this.stored = stored;
    this.gathers = gathers;
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
    Map<String, Gather> gathers = new HashMap<>();
    List<TensorSpec> specs = new ArrayList<>();
    for (StoredTensor tensor : header.tensors()) {
      TensorSpec spec = tensor.spec();
      Part part = selection.parts().get(spec.name());
      if (part == null) {
        specs.add(spec);
      } else {
        List<Integer> order = selection.orders().getOrDefault(part.order(), List.of());
        gathers.put(spec.name(), Gather.of(tensor, part, order));
        specs.add(new TensorSpec(spec.name(), spec.dtype(), Gather.shape(spec, part, order)));
      }
    }
    return new SelectedSource(
        path, base, header.tensors(), gathers, SafetensorsLayout.inOrder(specs, header.metadata()));
  }

  @Override
  protected void read(int index, long position, byte[] dst, int offset, int length) {
    StoredTensor tensor = stored.get(index);
    Gather gather = gathers.get(tensor.spec().name());
    if (gather == null) {
      base.readFully(tensor.begin() + position, dst, offset, length);
    } else {
      gather.read(base, position, dst, offset, length);
    }
  }
}
