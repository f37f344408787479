package io.weightloom.io;

import static java.util.Objects.requireNonNull;

import io.weightloom.io.safetensors.Profile;
import java.util.Map;

/** Models as a user names them, and the bytes of their tensors. */
public final class OpenedModel {
  private OpenedModel() {}

  /** Opens a model by the strict rules. */
  public static ModelDir open(String reference) {
    return ModelDir.open(ModelReference.resolve(reference, Map.of()), Profile.STRICT);
  }

  /** All bytes of a tensor. */
  public static byte[] bytes(ModelDir model, String tensor) {
    TensorLocation at = requireNonNull(model.tensors().get(tensor), tensor);
    try (ByteSource source = Storage.of(at.file()).open(at.file())) {
      byte[] bytes = new byte[(int) (at.end() - at.begin())];
      source.readFully(at.begin(), bytes, 0, bytes.length);
      return bytes;
    }
  }
}
