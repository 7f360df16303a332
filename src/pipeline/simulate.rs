//! Label-efficiency curves: what a strategy would have gained, replayed on labelled data.
