package io.weightloom.kernel;

/**
 * A provider's answer to "can you be used here?".
 *
 * @param usable yes or no
 * @param reason why not, or what it runs on
 */
public record Usability(boolean usable, String reason) {

  public static Usability yes(String on) {
    return new Usability(true, on);
  }

  public static Usability no(String why) {
    return new Usability(false, why);
  }
}
