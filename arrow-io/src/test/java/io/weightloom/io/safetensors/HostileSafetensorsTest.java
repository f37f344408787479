package io.weightloom.io.safetensors;

import static io.weightloom.testkit.HostileSafetensors.ACCEPTED;
import static io.weightloom.testkit.HostileSafetensors.LIMIT;
import static io.weightloom.testkit.HostileSafetensors.NOT_STRICT;
import static io.weightloom.testkit.HostileSafetensors.WARNED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.weightloom.error.WeightloomException;
import io.weightloom.testkit.HostileSafetensors;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class HostileSafetensorsTest {
  private static final int MAX_MESSAGE = 2000;

  static List<HostileSafetensors.Case> cases() {
    return HostileSafetensors.cases();
  }

  private static SafetensorsHeader read(HostileSafetensors.Case c, Profile profile) {
    return SafetensorsHeader.read(new MemorySource(c.bytes()), profile);
  }

  private static void expectRefusal(HostileSafetensors.Case c, Profile profile, String error) {
    WeightloomException e = catchThrowableOfType(WeightloomException.class, () -> read(c, profile));

    assertThat(e).as("%s, %s", c, profile).isNotNull();
    assertThat(e.kind()).isEqualTo(WeightloomException.Kind.INPUT);
    assertThat(e)
        .message()
        .startsWith("Cannot read the safetensors header of m.safetensors: " + error + ", ")
        .matches("(?s).* at byte \\d+, .+: .+ \\(.+\\)")
        .hasSizeLessThan(MAX_MESSAGE);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void referenceProfileDoesAsTheReference(HostileSafetensors.Case c) {
    if (c.strict().equals(LIMIT)) {
      expectRefusal(c, Profile.REFERENCE, LIMIT);
    } else if (c.reference().equals(ACCEPTED)) {
      List<String> warnings = read(c, Profile.REFERENCE).warnings();
      if (c.strict().equals(WARNED) || c.strict().equals(NOT_STRICT)) {
        assertThat(warnings).isNotEmpty().allMatch(w -> w.startsWith("m.safetensors, byte "));
      } else {
        assertThat(warnings).isEmpty();
      }
    } else {
      expectRefusal(c, Profile.REFERENCE, c.reference());
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void strictProfileRefusesWhatReadersMayUnderstandDifferently(HostileSafetensors.Case c) {
    switch (c.strict()) {
      case ACCEPTED -> assertThat(read(c, Profile.STRICT).warnings()).isEmpty();
      case WARNED -> assertThat(read(c, Profile.STRICT).warnings()).isNotEmpty();
      default -> expectRefusal(c, Profile.STRICT, c.strict());
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void onlyTheHeaderIsRead(HostileSafetensors.Case c) {
    MemorySource source = new MemorySource(c.bytes());
    try {
      SafetensorsHeader header = SafetensorsHeader.read(source, Profile.REFERENCE);
      assertThat(source.reads()).containsExactly("0+8", "8+" + header.headerLength());
    } catch (WeightloomException e) {
      assertThat(source.reads()).hasSizeLessThanOrEqualTo(2);
    }
  }
}
