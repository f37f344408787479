package io.weightloom.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RenamingTest {
  private static final Renaming GPT =
      Renaming.of(
          List.of(
              "transformer.h.*.attn.c_proj.*=model.layers.*.self_attn.o_proj.*",
              "transformer.h.*=model.layers.*",
              "transformer.wte.weight=model.embed_tokens.weight",
              "*.gamma=norm.*.weight"));

  @ParameterizedTest
  @CsvSource({
    "transformer.h.11.attn.c_proj.bias, model.layers.11.self_attn.o_proj.bias",
    "transformer.h.3.ln_1.weight, model.layers.3.ln_1.weight",
    "transformer.wte.weight, model.embed_tokens.weight",
    "transformer.wte.weights, transformer.wte.weights",
    "transformerxh.3.ln_1.weight, transformerxh.3.ln_1.weight",
    "final.gamma, norm.final.weight",
    "lm_head.weight, lm_head.weight"
  })
  void theFirstRuleThatFitsAWholeNameCounts(String name, String expected) {
    assertThat(GPT.apply(name)).isEqualTo(expected);
  }

  @Test
  void aWildcardMayBeDroppedButNotInvented() {
    assertThat(Renaming.of(List.of("*.blocks.*=b.*")).apply("net.blocks.7")).isEqualTo("b.net");
    assertThatThrownBy(() -> Renaming.of(List.of("a.*=b.*.*")))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("TO has 2 wildcards, FROM has 1");
  }

  @ParameterizedTest
  @CsvSource({"a", "=b", "a="})
  void aRuleHasTwoSides(String rule) {
    assertThatThrownBy(() -> Renaming.of(List.of(rule)))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("is not of the form FROM=TO");
  }

  @Test
  void twoTensorsOfOneNameAreAnError() {
    Map<String, Integer> tensors = new LinkedHashMap<>();
    tensors.put("a.w", 1);
    tensors.put("b.w", 2);

    assertThat(Renaming.of(List.of("a.*=c.*")).apply("m", tensors)).containsOnlyKeys("c.w", "b.w");
    assertThatThrownBy(() -> Renaming.of(List.of("*.w=w")).apply("m", tensors))
        .isInstanceOf(WeightloomException.class)
        .hasMessage(
            "Cannot rename the tensors of m: a.w and b.w would both be w (make the rules narrower)");
  }

  @Test
  void rulesThatFitNothingAreTold() {
    assertThat(GPT.idle(List.of("transformer.h.0.attn.c_proj.weight", "x.gamma")))
        .containsExactly("transformer.wte.weight=model.embed_tokens.weight");
  }
}
