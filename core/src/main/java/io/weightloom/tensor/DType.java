package io.weightloom.tensor;

import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The element types of safetensors, in the format's own order (ascending alignment: a file stores
 * its tensors in descending order of this enum).
 *
 * <p>BF16, F16, F32 and F64 are <em>computed on</em>; all others are carried byte for byte.
 */
public enum DType {
  BOOL(8),
  F4(4),
  F6_E2M3(6),
  F6_E3M2(6),
  U8(8),
  I8(8),
  F8_E5M2(8),
  F8_E4M3(8),
  F8_E8M0(8),
  F8_E4M3FNUZ(8),
  F8_E5M2FNUZ(8),
  I16(16),
  U16(16),
  F16(16),
  BF16(16),
  I32(32),
  U32(32),
  F32(32),
  C64(64),
  F64(64),
  I64(64),
  U64(64);

  private static final Map<String, DType> BY_NAME =
      Arrays.stream(values()).collect(Collectors.toMap(DType::name, Function.identity()));

  private final int bits;

  DType(int bits) {
    this.bits = bits;
  }

  /** Width of one element in bits; below 8 for the packed types. */
  public int bits() {
    return bits;
  }

  /** Width of one element in bytes; only for types of whole bytes. */
  public int bytes() {
    if (bits % 8 != 0) {
      throw new IllegalStateException(this + " has " + bits + " bits, not whole bytes");
    }
    return bits / 8;
  }

  /** Whether kernels compute on this type. */
  public boolean isComputed() {
    return this == BF16 || this == F16 || this == F32 || this == F64;
  }

  /** The type of this safetensors name, such as {@code BF16}. */
  public static Optional<DType> ofName(String name) {
    return Optional.ofNullable(BY_NAME.get(name));
  }

  /** The computed type of this PyTorch name, with or without {@code torch.}. */
  public static Optional<DType> ofTorchName(String name) {
    String plain = name.startsWith("torch.") ? name.substring("torch.".length()) : name;
    return switch (plain.toLowerCase(Locale.ROOT)) {
      case "bfloat16" -> Optional.of(BF16);
      case "float16" -> Optional.of(F16);
      case "float32" -> Optional.of(F32);
      case "float64" -> Optional.of(F64);
      default -> Optional.empty();
    };
  }

  /** PyTorch's name of a computed type, as {@code config.json} holds it. */
  public String torchName() {
    return switch (this) {
      case BF16 -> "bfloat16";
      case F16 -> "float16";
      case F32 -> "float32";
      case F64 -> "float64";
      default -> throw new IllegalStateException(this + " is not computed on");
    };
  }
}
