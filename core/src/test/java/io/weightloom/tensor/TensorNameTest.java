package io.weightloom.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TensorNameTest {

  @ParameterizedTest
  @CsvSource({
    "model.layers.12.mlp.up_proj.weight, mlp.up_proj.weight",
    "transformer.h.0.attn.c_attn.bias, attn.c_attn.bias",
    "model.embed_tokens.weight, model.embed_tokens.weight",
    "lm_head.weight, lm_head.weight",
    "layers.3, layers.3",
    "visual.transformer.resblocks.11.attn.in_proj_weight, attn.in_proj_weight"
  })
  void aRoleIsTheNameBehindTheLayer(String name, String role) {
    assertThat(TensorName.role(name)).isEqualTo(role);
  }

  @ParameterizedTest
  @CsvSource({
    "layers.2.w, layers.10.w, -1",
    "layers.10.w, layers.10.w, 0",
    "layers.009.w, layers.9.w, -1",
    "layers.0.w, layers.00.w, -1",
    "layers.0.b, layers.000.a, 1",
    "layers.09.a, layers.10.a, -1",
    "layers.123456789012345678901.w, layers.123456789012345678900.w, 1",
    "layers.99999999999999999999.w, layers.100000000000000000000.w, -1",
    "w2, w, 1",
    "w2, wa, -1",
    "w10b3, w10b12, -1"
  })
  void numbersAreOrderedByValue(String a, String b, int order) {
    assertThat(Integer.signum(TensorName.NATURAL_ORDER.compare(a, b))).isEqualTo(order);
    assertThat(Integer.signum(TensorName.NATURAL_ORDER.compare(b, a))).isEqualTo(-order);
  }
}
