/// The 97.5% point of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// Wilson's 95% interval of a share, of which `hits` of `trials` were seen. All of it where nothing was tried.
///
/// Wilson, "Probable inference, the law of succession, and statistical inference" (1927). Unlike the usual one it stays between 0
/// and 1, and says something after few trials.
pub fn wilson(hits: usize, trials: usize) -> [f64; 2] {
    if trials == 0 {
        return [0.0, 1.0];
    }
    let n = trials as f64;
    let share = hits.min(trials) as f64 / n;
    let z2 = Z * Z;
    let middle = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let spread = Z / (1.0 + z2 / n) * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    [(middle - spread).max(0.0), (middle + spread).min(1.0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_of_statsmodels() {
        // scipy.stats.binomtest(hits, trials).proportion_ci(method="wilson"), SciPy 1.17
        let cases = [
            (0, 4, 0.0, 0.489_890_836_454_597_3),
            (2, 4, 0.150_038_989_152_149_53, 0.849_961_010_847_850_5),
            (4, 4, 0.510_109_163_545_402_7, 1.0),
            (7, 10, 0.396_778_147_461_145_26, 0.892_208_732_593_699),
        ];
        for (hits, trials, low, high) in cases {
            let [l, h] = wilson(hits, trials);
            assert!(
                (l - low).abs() < 1e-12 && (h - high).abs() < 1e-12,
                "{hits} of {trials}: {l} {h}"
            );
        }
        assert_eq!(wilson(0, 0), [0.0, 1.0]);
    }
}
