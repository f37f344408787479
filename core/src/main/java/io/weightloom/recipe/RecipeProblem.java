package io.weightloom.recipe;

/**
 * Something wrong with a recipe.
 *
 * @param path where, such as {@code models[1].parameters.wieght}
 * @param message what, and how to mend it
 */
public record RecipeProblem(String path, String message) {

  @Override
  public String toString() {
    return path.isEmpty() ? message : path + ": " + message;
  }
}
