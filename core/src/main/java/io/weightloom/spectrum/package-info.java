/**
 * Spectra of weight matrices: eigenvalues of {@code WᵀW}, ranks, power-law and Marchenko–Pastur
 * fits, of a model or of what it changed against a base. {@link
 * io.weightloom.spectrum.SpectrumScan} is the way in; the fits are functions of eigenvalues alone.
 *
 * <p>Names: an N×M matrix has N ≥ M, singular values σ, eigenvalues λ = σ²; Q = N/M. Columns that
 * WeightWatcher has are defined as version 0.7.7 computes them (Martin and Mahoney, "Implicit
 * Self-Regularization in Deep Neural Networks", JMLR 22, 2021; Martin, Peng and Mahoney,
 * "Predicting trends in the quality of state-of-the-art neural networks without access to training
 * or testing data", Nature Communications 12, 2021).
 */
@NullMarked
package io.weightloom.spectrum;

import org.jspecify.annotations.NullMarked;
