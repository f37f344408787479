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
}
