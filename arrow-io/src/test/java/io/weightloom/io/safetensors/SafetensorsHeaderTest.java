package io.weightloom.io.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import io.weightloom.testkit.TinyCheckpoint;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SafetensorsHeaderTest {
  private static SafetensorsHeader read(String json, int dataBytes, Profile profile) {
    byte[] file = TinyCheckpoint.file(json, new byte[dataBytes]);
    return SafetensorsHeader.read(new MemorySource(file), profile);
  }

  @Test
  void tensorsAreInTheOrderOfTheirData() throws Exception {
    byte[] file =
        TinyCheckpoint.file(
            "{\"b\":{\"dtype\":\"BF16\",\"shape\":[2,2],\"data_offsets\":[4,12]},"
                + "\"__metadata__\":{\"z\":\"1\",\"a\":\"2\"},"
                + "\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}",
            new byte[12]);
    int dataStart = file.length - 12;

    SafetensorsHeader header = SafetensorsHeader.read(new MemorySource(file), Profile.STRICT);

    assertThat(header.path()).isEqualTo("m.safetensors");
    assertThat(header.headerLength()).isEqualTo(dataStart - 8);
    assertThat(header.dataStart()).isEqualTo(dataStart);
    assertThat(header.tensors())
        .containsExactly(
            new StoredTensor(new TensorSpec("a", DType.F32, Shape.of()), dataStart, dataStart + 4),
            new StoredTensor(
                new TensorSpec("b", DType.BF16, Shape.of(2, 2)), dataStart + 4, dataStart + 12));
    assertThat(header.metadata().keySet()).containsExactly("z", "a");
    assertThat(header.sha256())
        .isEqualTo(
            HexFormat.of()
                .formatHex(
                    MessageDigest.getInstance("SHA-256").digest(Arrays.copyOf(file, dataStart))));
  }

  @Test
  void theLastOfTwoIsTakenInTheReferenceProfile() {
    String json =
        "{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"},"
            + "\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
            + "\"a\":{\"dtype\":\"I8\",\"shape\":[2,2],\"data_offsets\":[0,4]}}";

    SafetensorsHeader header = read(json, 4, Profile.REFERENCE);

    assertThat(header.tensors())
        .extracting(StoredTensor::spec)
        .containsExactly(new TensorSpec("a", DType.I8, Shape.of(2, 2)));
    assertThat(header.metadata()).containsEntry("k", "2");
    assertThat(header.warnings())
        .containsExactly(
            "m.safetensors, byte 33, __metadata__, key \"k\": the key comes twice, readers may take either",
            "m.safetensors, byte 94, tensor \"a\": the name comes twice, readers may take either");
    assertThatThrownBy(() -> read(json, 4, Profile.STRICT))
        .isInstanceOf(WeightloomException.class)
        .hasMessage(
            "Cannot read the safetensors header of m.safetensors: NotStrict, refused by the strict profile, at byte 33, __metadata__, key \"k\": the key comes twice, readers may take either (write it again with a safetensors library)");
  }

  @Test
  void overlapNamesTensorByteAndField() {
    assertThatThrownBy(
            () ->
                read(
                    "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
                        + "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[2,6]}}",
                    6,
                    Profile.REFERENCE))
        .hasMessage(
            "Cannot read the safetensors header of m.safetensors: InvalidOffset, invalid offset for tensor, at byte 61, tensor \"b\", data_offsets: [2, 6], the data before it ends at 4, an overlap (write it again with a safetensors library)");
  }

  @Test
  void malformedTextNamesItsByte() {
    assertThatThrownBy(() -> read("{\"a\":{\"dtype\":\"I33\"}}", 0, Profile.REFERENCE))
        .hasMessageContaining(
            "InvalidHeaderDeserialization, invalid JSON in header, at byte 22, tensor \"a\", dtype: unknown type \"I33\"");
    byte[] latin1 = {'{', '"', (byte) 0xe4, '"', '}'};
    byte[] file = TinyCheckpoint.file(latin1, new byte[0]);
    assertThatThrownBy(() -> SafetensorsHeader.read(new MemorySource(file), Profile.REFERENCE))
        .hasMessageContaining("InvalidHeader, invalid UTF-8 in header, at byte 10, the header")
        .hasMessageContaining("byte 0xe4");
  }

  @Test
  void lengthIsCheckedBeforeMemoryIsTaken() {
    byte[] file = new byte[16];
    Arrays.fill(file, 0, 4, (byte) 0x05);

    assertThatThrownBy(() -> SafetensorsHeader.read(new MemorySource(file), Profile.STRICT))
        .hasMessageContaining("InvalidHeaderLength")
        .hasMessageContaining("the length is 84215045, the file has 16 bytes");
  }

  @Test
  void warningsOfAHostileFileAreCut() {
    String tensors =
        IntStream.range(0, 500)
            .mapToObj(
                i ->
                    "\"../%d\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}"
                        .formatted(i))
            .collect(Collectors.joining(","));

    assertThat(read("{" + tensors + "}", 0, Profile.STRICT).warnings())
        .hasSize(101)
        .last()
        .isEqualTo("m.safetensors: and 400 warnings more");
  }

  @Test
  void longNamesAreCutInMessages() {
    String name = "\\u0000" + "n".repeat(5000);

    assertThatThrownBy(
            () ->
                read(
                    "{\"" + name + "\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
                    2,
                    Profile.STRICT))
        .hasMessageContaining("tensor \"\\u0000nnn")
        .message()
        .hasSizeLessThan(500);
  }
}
