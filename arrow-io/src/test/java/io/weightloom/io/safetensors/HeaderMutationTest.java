package io.weightloom.io.safetensors;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.error.WeightloomException;
import io.weightloom.testkit.HostileSafetensors;
import io.weightloom.testkit.TinyCheckpoint;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Seeded mutations of headers: whatever comes, one kind of error and little memory. */
class HeaderMutationTest {
  private static final int ROUNDS = 4000;
  private static final long MAX_ALLOCATED = 4 << 20;
  private static final byte[] TOKENS = "{}[]\":,0123456789-.eE\\u null".getBytes(US_ASCII);

  private static List<byte[]> seeds() {
    byte[] tiny =
        new TinyCheckpoint()
            .metadata("format", "pt")
            .add("a.weight", "F32", new long[] {2, 3}, 1, 2, 3, 4, 5, 6)
            .add("b.weight", "BF16", new long[] {4}, 1, 2, 3, 4)
            .add("scalar", "I64", new long[0], 7)
            .add("empty", "U8", new long[] {0, 3})
            .toBytes();
    List<byte[]> small =
        HostileSafetensors.cases().stream()
            .map(HostileSafetensors.Case::bytes)
            .filter(b -> b.length > 8 && b.length < 2000)
            .toList();
    return Stream.concat(Stream.of(tiny), small.stream()).toList();
  }

  private static byte[] mutate(byte[] seed, Random random) {
    byte[] b = seed.clone();
    for (int n = 1 + random.nextInt(4); n > 0; n--) {
      int at = random.nextInt(b.length);
      switch (random.nextInt(6)) {
        case 0 -> b[at] = (byte) random.nextInt(256);
        case 1 -> b[at] ^= (byte) (1 << random.nextInt(8));
        case 2 -> b[at] = TOKENS[random.nextInt(TOKENS.length)];
        case 3 -> b = Arrays.copyOf(b, Math.max(1, b.length - random.nextInt(9)));
        case 4 -> {
          int length = Math.min(random.nextInt(40), b.length - at);
          System.arraycopy(seed, 0, b, at, Math.min(length, seed.length));
        }
        default -> b[random.nextInt(Math.min(8, b.length))] = (byte) random.nextInt(256);
      }
    }
    return b;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void mutationsGiveOneKindOfErrorAndTakeLittleMemory(long seed) {
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    List<byte[]> seeds = seeds();
    Random random = new Random(seed);
    int accepted = 0;
    for (int i = 0; i < ROUNDS; i++) {
      byte[] file = mutate(seeds.get(i % 2 == 0 ? 0 : random.nextInt(seeds.size())), random);
      Profile profile = random.nextBoolean() ? Profile.STRICT : Profile.REFERENCE;
      long before = threads.getCurrentThreadAllocatedBytes();
      try {
        SafetensorsHeader header = SafetensorsHeader.read(new MemorySource(file), profile);
        long end = header.dataStart();
        for (StoredTensor t : header.tensors()) {
          assertThat(t.begin()).isEqualTo(end);
          assertThat(t.end() - t.begin()).isEqualTo(t.spec().byteSize());
          end = t.end();
        }
        assertThat(end).isEqualTo(file.length);
        accepted++;
      } catch (WeightloomException e) {
        assertThat(e).message().startsWith("Cannot read the safetensors header of m.safetensors: ");
      }
      assertThat(threads.getCurrentThreadAllocatedBytes() - before)
          .as("bytes allocated for round %d of seed %d", i, seed)
          .isLessThan(MAX_ALLOCATED);
    }
    assertThat(accepted).as("mutations that are still sound").isPositive();
  }
}
