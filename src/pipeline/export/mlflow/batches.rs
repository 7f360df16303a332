//! Portions that fit one `runs/log-batch` request.

use super::{Batch, KeyValue, PushMetric};
use serde::Serialize;

const MAX_METRICS: usize = 1_000;
const MAX_PARAMS: usize = 100;
const MAX_TAGS: usize = 100;
/// Of all three together.
const MAX_ENTRIES: usize = 1_000;
/// MLflow takes 1,000,000 bytes a request; the run's id and the brackets need some. Counted as JSON with all beyond ASCII
/// escaped, for the script's JSON is so.
const MAX_BYTES: usize = 950_000;

/// A batch that is being filled, and how many bytes it has.
#[derive(Default)]
struct Filling {
    batch: Batch,
    bytes: usize,
    done: Vec<Batch>,
}

impl Filling {
    fn make_room(&mut self, bytes: usize, is_full: impl Fn(&Batch) -> bool) {
        let batch = &self.batch;
        let entries = batch.params.len() + batch.metrics.len() + batch.tags.len();
        if is_full(batch) || entries >= MAX_ENTRIES || (entries > 0 && self.bytes + bytes > MAX_BYTES) {
            self.done.push(std::mem::take(&mut self.batch));
            self.bytes = 0;
        }
        self.bytes += bytes;
    }
}

/// Tags first, so that a run can be told by them from the first request on. Never empty: a run has tags.
pub(super) fn batches(params: Vec<KeyValue>, metrics: Vec<PushMetric>, tags: Vec<KeyValue>) -> Vec<Batch> {
    let mut filling = Filling::default();
    for tag in tags {
        filling.make_room(json_bytes(&tag), |batch| batch.tags.len() >= MAX_TAGS);
        filling.batch.tags.push(tag);
    }
    for param in params {
        filling.make_room(json_bytes(&param), |batch| batch.params.len() >= MAX_PARAMS);
        filling.batch.params.push(param);
    }
    for metric in metrics {
        filling.make_room(json_bytes(&metric), |batch| batch.metrics.len() >= MAX_METRICS);
        filling.batch.metrics.push(metric);
    }
    filling.done.push(filling.batch);
    filling.done
}

/// With the comma that follows, and `, ` for `,` as Python writes it.
fn json_bytes(entry: &impl Serialize) -> usize {
    // Text and numbers always serialise.
    let json = serde_json::to_string(entry).unwrap_or_default();
    let escaped: usize = json.chars().map(|letter| if letter.is_ascii() { 1 } else { 6 * letter.len_utf16() }).sum();
    escaped + 12
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(number: usize, value: &str) -> KeyValue {
        KeyValue { key: format!("key {number}"), value: value.into() }
    }

    fn check(params: usize, metrics: usize, tags: usize, value: &str, expected: &[(usize, usize, usize)]) {
        let metric = |number: usize| PushMetric { key: "m".into(), value: 0.5, timestamp: 1, step: number as i64 };
        let made = batches(
            (0..params).map(|number| pair(number, value)).collect(),
            (0..metrics).map(metric).collect(),
            (0..tags).map(|number| pair(number, value)).collect(),
        );
        let counts: Vec<_> =
            made.iter().map(|batch| (batch.params.len(), batch.metrics.len(), batch.tags.len())).collect();
        assert_eq!(counts, expected, "{params} {metrics} {tags}");
        for batch in &made {
            assert!(serde_json::to_vec(batch).unwrap().len() < 1_000_000);
        }
    }

    #[test]
    fn portions_keep_to_every_limit() {
        check(0, 0, 1, "v", &[(0, 0, 1)]);
        check(2, 3, 1, "v", &[(2, 3, 1)]);
        check(150, 0, 4, "v", &[(100, 0, 4), (50, 0, 0)]);
        check(100, 1_850, 100, "v", &[(100, 800, 100), (0, 1_000, 0), (0, 50, 0)]);
        check(0, 0, 230, "v", &[(0, 0, 100), (0, 0, 100), (0, 0, 30)]);
        // 6,000 characters of six bytes each when escaped: 26 fit.
        check(60, 0, 0, &"é".repeat(6_000), &[(26, 0, 0), (26, 0, 0), (8, 0, 0)]);
    }
}
