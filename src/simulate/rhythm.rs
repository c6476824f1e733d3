//! When people are awake, at work, or neither matters: how busy each hour of a week is.

/// Busyness summed up over the hours of a week that begins on Monday; 168 in all.
#[derive(Debug, Clone)]
pub(super) struct Week {
    sums: [f64; 169],
}

/// Milliseconds of an hour.
pub(super) const HOUR: f64 = 3_600_000.0;

/// Hours of a week.
const WEEK: f64 = 168.0;

/// How busy people are in each hour of a day.
const DAY: [f64; 24] = [
    0.35, 0.22, 0.14, 0.1, 0.1, 0.14, 0.28, 0.55, 0.95, 1.35, 1.5, 1.5, 1.3, 1.4, 1.55, 1.6, 1.5,
    1.3, 1.15, 1.2, 1.35, 1.3, 1.0, 0.65,
];

impl Week {
    /// People, who do less at weekends.
    pub(super) fn people() -> Self {
        Self::new(|day, hour| hour * if day < 5 { 1.0 } else { 0.6 })
    }

    /// Offices, where hardly anybody is at night.
    pub(super) fn office() -> Self {
        Self::new(|day, hour| match (day, hour > 1.25) {
            (0..5, true) => hour,
            (0..5, false) => 0.08 * hour,
            _ => 0.02 * hour,
        })
    }

    fn new(busy: impl Fn(usize, f64) -> f64) -> Self {
        let hours = (0..7).flat_map(|day| DAY.iter().map(move |&hour| (day, hour)));
        let busy: Vec<f64> = hours.map(|(day, hour)| busy(day, hour)).collect();
        let scale = WEEK / busy.iter().sum::<f64>();
        let mut sums = [0.0; 169];
        let mut sum = 0.0;
        for (place, busy) in sums.iter_mut().skip(1).zip(busy) {
            sum += busy * scale;
            *place = sum;
        }
        Self { sums }
    }

    /// The moment, in hours since some Monday, until which from another one there is as much to do as in so many hours of
    /// an average week.
    pub(super) fn later(&self, from: f64, hours: f64) -> f64 {
        let week = (from / WEEK).floor();
        let sum = self.sum(from - week * WEEK) + hours;
        let weeks = (sum / WEEK).floor();
        let rest = sum - weeks * WEEK;
        let place = self.sums.partition_point(|&sum| sum <= rest).clamp(1, 168);
        let (before, after) = self.around(place.saturating_sub(1));
        let part = (rest - before) / (after - before).max(f64::MIN_POSITIVE);
        (week + weeks) * WEEK + place.saturating_sub(1) as f64 + part
    }

    /// How much there was to do until an hour of the week.
    fn sum(&self, hour: f64) -> f64 {
        let (before, after) = self.around(hour as usize);
        before + (after - before) * hour.fract()
    }

    fn around(&self, hour: usize) -> (f64, f64) {
        let at = |hour: usize| self.sums.get(hour).copied().unwrap_or(WEEK);
        (at(hour), at(hour.saturating_add(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_much_comes_as_is_asked_for_and_most_of_it_by_day() {
        for week in [Week::people(), Week::office()] {
            let mut at = 5.0;
            let (mut count, mut night, mut weekend) = (0, 0, 0);
            while at < 5.0 + 10.0 * WEEK {
                let next = week.later(at, 0.05);
                assert!(next > at, "{at} {next}");
                at = next;
                count += 1;
                night += u32::from(at % 24.0 < 6.0);
                weekend += u32::from(at % WEEK >= 120.0);
            }
            assert!((33_500..33_700).contains(&count), "{count}");
            assert!(night * 12 < count && weekend * 4 < count);
        }
    }

    #[test]
    fn a_long_wait_goes_over_weeks() {
        let week = Week::people();
        let later = week.later(30.5, 3.0 * WEEK);
        assert!((later - 30.5 - 3.0 * WEEK).abs() < 1e-6, "{later}");
    }
}
