package io.weightloom.io.safetensors;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.weightloom.error.WeightloomException;
import io.weightloom.tensor.DType;
import java.io.IOException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Reads what stands behind a tensor's name. For one use. */
final class TensorInfoParser {
  /** The highest rank in the strict profile. */
  private static final int MAX_RANK = 64;

  private final HeaderReport report;
  private final HeaderParser header;
  private final JsonParser parser;
  private final String name;
  private final long at;
  private @Nullable DType dtype;
  private long @Nullable [] shape;
  private long @Nullable [] offsets;

  TensorInfoParser(
      HeaderReport report, HeaderParser header, JsonParser parser, String name, long at) {
    this.report = report;
    this.header = header;
    this.parser = parser;
    this.name = name;
    this.at = at;
  }

  HeaderEntry read() throws IOException {
    if (parser.currentToken() == JsonToken.START_ARRAY) {
      report.irregular(
          header.at(), HeaderReport.tensor(name), "its dtype, shape and offsets are an array");
      readArray();
    } else {
      header.expect(JsonToken.START_OBJECT, HeaderReport.tensor(name), "an object");
      readObject();
    }
    if (dtype == null) {
      throw missing("dtype");
    }
    if (shape == null) {
      throw missing("shape");
    }
    if (offsets == null) {
      throw missing("data_offsets");
    }
    return new HeaderEntry(name, dtype, shape, offsets[0], offsets[1], at);
  }

  private void readObject() throws IOException {
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String field = header.text(HeaderReport.tensor(name));
      parser.nextToken();
      switch (field) {
        case "dtype" -> {
          once(field, dtype);
          dtype = readDType();
        }
        case "shape" -> {
          once(field, shape);
          shape = readShape();
        }
        case "data_offsets" -> {
          once(field, offsets);
          offsets = readOffsets();
        }
        default -> {
          report.warn(
              header.at(),
              HeaderReport.tensor(name),
              "unknown field " + HeaderReport.quoted(field) + " is ignored");
          skip(HeaderReport.tensor(name, "an unknown field"));
        }
      }
    }
  }

  private void readArray() throws IOException {
    parser.nextToken();
    dtype = readDType();
    parser.nextToken();
    shape = readShape();
    parser.nextToken();
    offsets = readOffsets();
    parser.nextToken();
    header.expect(JsonToken.END_ARRAY, HeaderReport.tensor(name), "three elements");
  }

  private void once(String field, @Nullable Object before) {
    if (before != null) {
      throw failure(field, "duplicate field");
    }
  }

  private WeightloomException missing(String field) {
    return failure(field, "missing field");
  }

  private WeightloomException failure(String field, String why) {
    return header.failure(HeaderReport.tensor(name, field), why);
  }

  private DType readDType() throws IOException {
    String field = HeaderReport.tensor(name, "dtype");
    boolean wrapped = parser.currentToken() == JsonToken.START_OBJECT;
    if (wrapped) {
      report.irregular(header.at(), field, "it is an object");
      parser.nextToken();
      header.expect(JsonToken.FIELD_NAME, field, "a type's name");
    } else {
      header.expect(JsonToken.VALUE_STRING, field, "a type's name");
    }
    String text = header.text(field);
    DType found =
        DType.ofName(text)
            .orElseThrow(
                () -> failure("dtype", "unknown type %s".formatted(HeaderReport.quoted(text))));
    if (wrapped) {
      parser.nextToken();
      header.expect(JsonToken.VALUE_NULL, field, "null");
      parser.nextToken();
      header.expect(JsonToken.END_OBJECT, field, "one name only");
    }
    return found;
  }

  private long[] readShape() throws IOException {
    header.expect(JsonToken.START_ARRAY, HeaderReport.tensor(name, "shape"), "an array");
    long[] dims = new long[4];
    int rank = 0;
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      if (rank == MAX_RANK) {
        report.irregular(
            header.at(),
            HeaderReport.tensor(name, "shape"),
            "more than " + MAX_RANK + " dimensions");
      }
      if (rank == dims.length) {
        dims = Arrays.copyOf(dims, rank * 2);
      }
      dims[rank] = unsigned("shape");
      rank++;
    }
    return Arrays.copyOf(dims, rank);
  }

  private long[] readOffsets() throws IOException {
    String field = HeaderReport.tensor(name, "data_offsets");
    header.expect(JsonToken.START_ARRAY, field, "an array of two");
    parser.nextToken();
    long begin = unsigned("data_offsets");
    parser.nextToken();
    long end = unsigned("data_offsets");
    parser.nextToken();
    header.expect(JsonToken.END_ARRAY, field, "an array of two");
    return new long[] {begin, end};
  }

  /** The current token as an unsigned number of 64 bits. */
  private long unsigned(String field) throws IOException {
    if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT) {
      throw failure(field, "expected a whole number, found " + parser.currentToken());
    }
    if (parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER) {
      try {
        return Long.parseUnsignedLong(parser.getText());
      } catch (NumberFormatException e) {
        throw failure(field, parser.getText() + " does not fit 64 unsigned bits");
      }
    }
    long value = parser.getLongValue();
    if (value < 0 || (value == 0 && parser.getText().startsWith("-"))) {
      throw failure(field, parser.getText() + " is negative");
    }
    return value;
  }

  /** Passes over a value as the reference does: it must be sound, though it is not used. */
  private void skip(String field) throws IOException {
    int depth = 0;
    while (true) {
      JsonToken token = parser.currentToken();
      if (token == null) {
        throw header.failure(field, "the header ends");
      }
      switch (token) {
        case START_OBJECT, START_ARRAY -> depth++;
        case END_OBJECT, END_ARRAY -> depth--;
        case FIELD_NAME, VALUE_STRING -> header.text(field);
        case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> {
          if (Double.isInfinite(Double.parseDouble(parser.getText()))) {
            throw header.failure(field, "number out of range");
          }
        }
        default -> {}
      }
      if (depth == 0) {
        return;
      }
      parser.nextToken();
    }
  }
}
