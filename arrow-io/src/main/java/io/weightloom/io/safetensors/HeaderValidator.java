package io.weightloom.io.safetensors;

import io.weightloom.error.WeightloomException;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/** Walks the tensors in the order of their data, as the reference's validation does. */
final class HeaderValidator {
  private static final int MAX_SHOWN = 16;
  private static final Comparator<HeaderEntry> BY_PLACE =
      Comparator.comparing(HeaderEntry::begin, Long::compareUnsigned)
          .thenComparing(HeaderEntry::end, Long::compareUnsigned);

  private final HeaderReport report;
  private final long dataStart;
  private final long fileSize;

  HeaderValidator(HeaderReport report, long dataStart, long fileSize) {
    this.report = report;
    this.dataStart = dataStart;
    this.fileSize = fileSize;
  }

  /** The tensors in offset order, each byte of the data in exactly one of them. */
  List<StoredTensor> validate(Collection<HeaderEntry> entries) {
    List<HeaderEntry> ordered = new ArrayList<>(entries);
    ordered.sort(BY_PLACE);
    List<StoredTensor> out = new ArrayList<>(ordered.size());
    long start = 0;
    for (HeaderEntry e : ordered) {
      if (e.begin() != start || Long.compareUnsigned(e.end(), e.begin()) < 0) {
        throw invalidOffset(e, start);
      }
      long bytes = bytes(e);
      if (e.end() - e.begin() != bytes) {
        throw failure(
            HeaderError.TENSOR_INVALID_INFO,
            e,
            "data_offsets",
            "%s of %s has %d bytes, its data_offsets %s have %s"
                .formatted(
                    e.dtype(),
                    shape(e),
                    bytes,
                    range(e),
                    Long.toUnsignedString(e.end() - e.begin())));
      }
      start = e.end();
      // Within the file, or the last check fails; the sum may overflow only in the latter case.
      TensorSpec spec = new TensorSpec(e.name(), e.dtype(), Shape.of(e.dims()));
      out.add(new StoredTensor(spec, dataStart + e.begin(), dataStart + e.end()));
    }
    if (start != fileSize - dataStart) {
      throw incomplete(start);
    }
    return List.copyOf(out);
  }

  private long bytes(HeaderEntry e) {
    long elements = 1;
    boolean tooLarge = false;
    for (long d : e.dims()) {
      if (overflows(elements, d)) {
        throw failure(
            HeaderError.VALIDATION_OVERFLOW,
            e,
            "shape",
            "the product of " + shape(e) + " does not fit 64 bits");
      }
      elements *= d;
      tooLarge |= d < 0 || elements < 0;
    }
    int width = e.dtype().bits();
    if (overflows(elements, width)) {
      throw failure(
          HeaderError.VALIDATION_OVERFLOW,
          e,
          "shape",
          "%s elements of %d bits do not fit 64 bits"
              .formatted(Long.toUnsignedString(elements), width));
    }
    long bits = elements * width;
    if (bits % 8 != 0) {
      throw failure(
          HeaderError.MISALIGNED_SLICE,
          e,
          "shape",
          "%d elements of %s have %d bits".formatted(elements, e.dtype(), bits));
    }
    if (tooLarge) {
      // Without elements, or the bits would not fit: the reference lets it pass.
      throw failure(HeaderError.LIMIT, e, "shape", shape(e) + " passes 2^63 - 1 on its way");
    }
    return bits >>> 3;
  }

  private static boolean overflows(long a, long b) {
    return a != 0 && Long.compareUnsigned(b, Long.divideUnsigned(-1L, a)) > 0;
  }

  private WeightloomException invalidOffset(HeaderEntry e, long start) {
    String why =
        Long.compareUnsigned(e.end(), e.begin()) < 0
            ? "it ends before it begins"
            : Long.compareUnsigned(e.begin(), start) > 0
                ? "the data before it ends at " + Long.toUnsignedString(start) + ", a hole"
                : "the data before it ends at " + Long.toUnsignedString(start) + ", an overlap";
    return failure(HeaderError.INVALID_OFFSET, e, "data_offsets", range(e) + ", " + why);
  }

  private WeightloomException incomplete(long lastEnd) {
    long there = fileSize - dataStart;
    return report.failure(
        HeaderError.METADATA_INCOMPLETE_BUFFER,
        dataStart,
        "data_offsets",
        "the tensors have %s bytes of data, the file has %d, %s"
            .formatted(
                Long.toUnsignedString(lastEnd),
                there,
                Long.compareUnsigned(lastEnd, there) > 0
                    ? "it is truncated"
                    : "something follows the last tensor"));
  }

  private WeightloomException failure(HeaderError error, HeaderEntry e, String field, String why) {
    return report.failure(error, e.at(), HeaderReport.tensor(e.name(), field), why);
  }

  private static String shape(HeaderEntry e) {
    return Arrays.stream(e.dims())
        .limit(MAX_SHOWN)
        .mapToObj(Long::toUnsignedString)
        .collect(Collectors.joining(", ", "[", e.dims().length > MAX_SHOWN ? ", …]" : "]"));
  }

  private static String range(HeaderEntry e) {
    return "[%s, %s]".formatted(Long.toUnsignedString(e.begin()), Long.toUnsignedString(e.end()));
  }
}
