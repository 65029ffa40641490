//! How good a resampler's output is, in decibels.

use std::f64::consts::TAU;

/// What is left out at both ends, in seconds.
const ENDS: f64 = 0.03;

fn db(ratio: f64) -> f64 {
    10.0 * ratio.log10()
}

fn power(samples: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = samples.len().max(1) as f64;
    samples.map(|sample| sample * sample).sum::<f64>() / count
}

fn without_ends(samples: &[i16], rate: u32) -> &[i16] {
    let ends = (ENDS * f64::from(rate)) as usize;
    samples.get(ends..samples.len().saturating_sub(ends)).unwrap_or_default()
}

/// The power of the sine that fits best over that of the rest: delay and gain do not count.
pub(super) fn sine_db(samples: &[i16], rate: u32, hz: f64) -> f64 {
    let samples: Vec<f64> = without_ends(samples, rate).iter().map(|sample| f64::from(*sample)).collect();
    let basis = |at: usize| {
        let (sin, cos) = (TAU * hz * at as f64 / f64::from(rate)).sin_cos();
        [sin, cos, 1.0]
    };
    // The normal equations of least squares.
    let (mut matrix, mut right) = ([[0.0; 3]; 3], [0.0; 3]);
    for (at, sample) in samples.iter().enumerate() {
        let row = basis(at);
        for i in 0..3 {
            right[i] += row[i] * sample;
            for j in 0..3 {
                matrix[i][j] += row[i] * row[j];
            }
        }
    }
    let fit = solve(matrix, right);
    let rest = samples.iter().enumerate().map(|(at, sample)| {
        let row = basis(at);
        sample - (0..3).map(|i| fit[i] * row[i]).sum::<f64>()
    });
    db((fit[0] * fit[0] + fit[1] * fit[1]) / 2.0 / power(rest).max(1e-9))
}

/// Solves three equations by Cramer's rule.
fn solve(matrix: [[f64; 3]; 3], right: [f64; 3]) -> [f64; 3] {
    let determinant = |m: [[f64; 3]; 3]| {
        m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
            + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
    };
    let whole = determinant(matrix);
    std::array::from_fn(|column| {
        let mut replaced = matrix;
        for row in 0..3 {
            replaced[row][column] = right[row];
        }
        determinant(replaced) / whole
    })
}

/// What is left of a tone, over the tone.
pub(super) fn left_over_db(samples: &[i16], rate: u32, tone: &[i16]) -> f64 {
    let left = power(without_ends(samples, rate).iter().map(|sample| f64::from(*sample)));
    db(left.max(0.01) / power(tone.iter().map(|sample| f64::from(*sample))))
}

/// A signal against a reference below a frequency, at the best delay and gain.
pub(super) fn speech_db(reference: &[i16], came: &[i16], rate: u32, band_hz: f64) -> f64 {
    let size = (2 * reference.len().max(came.len())).next_power_of_two();
    let (one, other) = (spectrum(reference, size), spectrum(came, size));
    let bins = ((band_hz / f64::from(rate) * size as f64) as usize).min(size / 2);
    let at = |delay: f64| {
        let shifted = (0..=bins).map(|bin| {
            let turn = Complex::turn(-TAU * bin as f64 / size as f64 * delay);
            (one[bin].times(turn), other[bin])
        });
        let (mut gain, mut signal) = (0.0, 0.0);
        for (x, y) in shifted.clone() {
            gain += x.re * y.re + x.im * y.im;
            signal += x.square();
        }
        gain /= signal;
        let rest = shifted.map(|(x, y)| Complex { re: y.re - gain * x.re, im: y.im - gain * x.im }.square());
        db(gain * gain * signal / rest.sum::<f64>().max(1e-9))
    };
    // The delay has been taken out: it is within a sample.
    let (mut low, mut high) = (-1.0, 1.0);
    for _ in 0..40 {
        let (a, b) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
        if at(a) < at(b) {
            low = a;
        } else {
            high = b;
        }
    }
    at((low + high) / 2.0)
}

#[derive(Clone, Copy)]
struct Complex {
    re: f64,
    im: f64,
}

impl Complex {
    fn turn(angle: f64) -> Self {
        Self { re: angle.cos(), im: angle.sin() }
    }

    fn times(self, other: Self) -> Self {
        Self { re: self.re * other.re - self.im * other.im, im: self.re * other.im + self.im * other.re }
    }

    fn square(self) -> f64 {
        self.re * self.re + self.im * self.im
    }
}

/// The Fourier transform, padded with zeros to a power of two.
fn spectrum(samples: &[i16], size: usize) -> Vec<Complex> {
    let bits = size.trailing_zeros();
    let mut values: Vec<_> = (0..size)
        .map(|at| {
            let at = at.reverse_bits() >> (usize::BITS - bits);
            Complex { re: samples.get(at).map_or(0.0, |sample| f64::from(*sample)), im: 0.0 }
        })
        .collect();
    let mut half = 1;
    while half < size {
        let turns: Vec<_> = (0..half).map(|k| Complex::turn(-TAU * k as f64 / (2 * half) as f64)).collect();
        for block in values.chunks_mut(2 * half) {
            let (even, odd) = block.split_at_mut(half);
            for ((even, odd), turn) in even.iter_mut().zip(odd).zip(&turns) {
                let turned = odd.times(*turn);
                *odd = Complex { re: even.re - turned.re, im: even.im - turned.im };
                *even = Complex { re: even.re + turned.re, im: even.im + turned.im };
            }
        }
        half *= 2;
    }
    values
}
