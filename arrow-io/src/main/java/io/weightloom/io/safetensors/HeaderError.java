package io.weightloom.io.safetensors;

/** The reasons to refuse a file, by the reference reader's names and texts, and our own. */
enum HeaderError {
  HEADER_TOO_SMALL("HeaderTooSmall", "header too small", Fix.COPY),
  HEADER_TOO_LARGE("HeaderTooLarge", "header too large", Fix.NOT_SAFETENSORS),
  INVALID_HEADER_LENGTH("InvalidHeaderLength", "invalid header length", Fix.COPY),
  INVALID_HEADER("InvalidHeader", "invalid UTF-8 in header", Fix.REWRITE),
  INVALID_HEADER_DESERIALIZATION(
      "InvalidHeaderDeserialization", "invalid JSON in header", Fix.REWRITE),
  INVALID_OFFSET("InvalidOffset", "invalid offset for tensor", Fix.REWRITE),
  VALIDATION_OVERFLOW(
      "ValidationOverflow",
      "overflow computing buffer size from shape and/or element type",
      Fix.REWRITE),
  MISALIGNED_SLICE(
      "MisalignedSlice",
      "the slice is slicing for subbytes dtypes and does not end up at a byte boundary",
      Fix.REWRITE),
  TENSOR_INVALID_INFO(
      "TensorInvalidInfo", "invalid shape, data type, or offset for tensor", Fix.REWRITE),
  METADATA_INCOMPLETE_BUFFER(
      "MetadataIncompleteBuffer", "incomplete metadata, file not fully covered", Fix.COPY),
  NOT_STRICT("NotStrict", "refused by the strict profile", Fix.REWRITE),
  LIMIT("Limit", "beyond what this reader takes", Fix.REWRITE);

  private final String referenceName;
  private final String text;
  private final String fix;

  HeaderError(String referenceName, String text, String fix) {
    this.referenceName = referenceName;
    this.text = text;
    this.fix = fix;
  }

  String referenceName() {
    return referenceName;
  }

  String text() {
    return text;
  }

  String fix() {
    return fix;
  }

  private static final class Fix {
    static final String COPY = "the file may be cut off: copy or download it again";
    static final String NOT_SAFETENSORS = "see whether it is a safetensors file at all";
    static final String REWRITE = "write it again with a safetensors library";
  }
}
