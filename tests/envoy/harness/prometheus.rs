//! Prometheus' text format, as far as Envoy writes it.

/// The sum of the series of `name` that carry all of `labels`.
pub(crate) fn sum(text: &str, name: &str, labels: &[(&str, &str)]) -> u64 {
    let of_name = text.lines().filter_map(|line| {
        line.strip_prefix(name)?
            .strip_prefix('{')?
            .rsplit_once("} ")
    });
    of_name
        .filter(|(series, _)| {
            labels
                .iter()
                .all(|(label, value)| series.contains(&format!("{label}=\"{value}\"")))
        })
        .map(|(_, value)| value.parse::<u64>().expect("a count is a whole number"))
        .sum()
}

#[test]
fn series_are_told_apart_by_their_labels() {
    let text = "# TYPE a_total counter\na_total{x=\"1\",y=\"1\"} 3\na_total{x=\"2\",y=\"1\"} 4\na_total_b{x=\"1\"} 9\n";
    assert_eq!(sum(text, "a_total", &[]), 7);
    assert_eq!(sum(text, "a_total", &[("x", "1")]), 3);
    assert_eq!(sum(text, "a_total", &[("x", "3")]), 0);
}
