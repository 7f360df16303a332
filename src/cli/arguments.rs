//! The arguments of each command, checked before any work starts.

use super::issues::RankBy;
use crate::pipeline::item::Kind;
use crate::pipeline::log::Query;
use crate::pipeline::model::spec::HeadSpec;
use crate::pipeline::quality::filter::FilterBy;
use crate::pipeline::rank::Strategy;
use crate::protocol::RELEASE;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "hone",
    version = RELEASE,
    about = "Train, apply, check and compare the small classifiers that Hone trains in the browser.",
    after_help = "DATA is a folder of class folders (images or .txt files), a CSV, TSV or JSON Lines file, a zip of these, or a project saved by Hone (.hone).\n\
                  What the data is and which column is what is guessed as in the app; --kind, --text-column, --ignore, --header, --no-header and --split-column overrule the guess; \
                  `hone inspect DATA` tells it.\n\
                  `hone COMMAND --help` gives examples."
)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Tell what is in the data and how it would be read, what is left out and why
    Inspect(InspectArguments),
    /// Train a classifier on labelled data and save it
    Train(TrainArguments),
    /// Try heads and features until time is up, rank them, save what beats the default
    Search(SearchArguments),
    /// Predict the class of each item with a saved model
    Score(ScoreArguments),
    /// Compare a saved model's predictions with the labels of data it has not seen
    Evaluate(EvaluateArguments),
    /// Decide whether a new model may replace the old one, on labelled data that neither has seen
    Gate(GateArguments),
    /// Decide whether a model still holds on new data, labelled or not: the exit code tells
    Drift(DriftArguments),
    /// Find labels that are likely wrong, the most suspicious first
    Issues(IssuesArguments),
    /// Replay labelling: how accurate is the model after so many labels, asked in this order or that?
    Simulate(SimulateArguments),
    /// Tell what so many errors in so many audits prove about the items they were drawn from
    Certify(CertifyArguments),
    /// List the experiments logged in a project
    Runs(RunsArguments),
}

/// Where data is and how to read it.
#[derive(Debug, Args)]
pub struct DataArguments {
    /// A folder of class folders, a CSV, TSV or JSON Lines file, a zip of these, or a project (.hone)
    #[arg(value_name = "DATA")]
    pub data: PathBuf,
    /// The column that holds the labels; folders and projects need none
    #[arg(long, value_name = "NAME")]
    pub label_column: Option<String>,
    /// What overrules the guess.
    #[command(flatten)]
    pub reading: ReadingArguments,
}

/// What overrules the guess.
#[derive(Debug, Clone, Default, Args)]
pub struct ReadingArguments {
    /// What the items are [default: guessed]
    #[arg(long, value_name = "KIND", value_parser = kind_parser())]
    pub kind: Option<Kind>,
    /// The column that holds the text; makes the data texts [default: guessed]
    #[arg(long, value_name = "NAME")]
    pub text_column: Option<String>,
    /// Columns not to learn from, beside those that look like ids
    #[arg(long, value_name = "COLUMN,COLUMN", value_delimiter = ',')]
    pub ignore: Vec<String>,
    /// How tables are read.
    #[command(flatten)]
    pub table: TableArguments,
}

/// What overrules the guess about a table's rows.
#[derive(Debug, Clone, Default, Args)]
pub struct TableArguments {
    /// The first row of each table names its columns [default: guessed]
    #[arg(long, conflicts_with = "no_header")]
    pub header: bool,
    /// The first row of each table is a row like the others; the columns are `column 1`, `column 2`, …
    #[arg(long)]
    pub no_header: bool,
    /// The column that says what a row is for: rows marked as test measure the model and never train it. `none` if no
    /// column and no folder does [default: guessed]
    #[arg(long, value_name = "NAME")]
    pub split_column: Option<String>,
}

impl TableArguments {
    /// What was said of the first row, if anything was.
    pub fn first_row_is_header(&self) -> Option<bool> {
        match (self.header, self.no_header) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        }
    }
}

/// How to compute and answer.
#[derive(Debug, Clone, Default, Args)]
pub struct RunArguments {
    /// Answer as JSON on standard output
    #[arg(long)]
    pub json: bool,
    /// The folder with the weights that `cargo xtask models` installs [default: public/models here or beside the program]
    #[arg(long, value_name = "FOLDER", env = "HONE_MODELS")]
    pub weights: Option<PathBuf>,
    /// Compute all image vectors anew, keep none for the next run
    #[arg(long)]
    pub no_cache: bool,
}

/// `hone inspect`
#[derive(Debug, Args)]
#[command(
    after_help = "DATA is read whole, by the same path as for all other commands; no model is made. Rows (or files) = items + already there + \
    problems.\n\
    The exit code is 1 if nothing in DATA can be read, else 0.\n\n\
    Examples:\n  \
    hone inspect photos/\n  \
    hone inspect reviews.csv --no-header\n  \
    hone inspect export.json --json"
)]
pub struct InspectArguments {
    /// What to look at.
    #[command(flatten)]
    pub data: DataArguments,
    /// Answer as JSON on standard output
    #[arg(long)]
    pub json: bool,
}

/// `hone train`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    hone train photos/ -o photos.model.zip\n  \
    hone train reviews.csv --label-column sentiment --text-column review -o reviews.model.zip\n  \
    hone train penguins.csv --label-column species --ignore island --head forest -o penguins.model.zip\n  \
    hone train news.csv --label-column topic --split-column set -o news.model.zip")]
pub struct TrainArguments {
    /// What to train on, or to label from.
    #[command(flatten)]
    pub data: DataArguments,
    /// Where to save the model: a zip with safetensors weights and a JSON card, as the app's export
    #[arg(short, long, value_name = "MODEL")]
    pub output: PathBuf,
    /// What to train
    #[arg(long, value_name = "NAME", default_value = "logistic", value_parser = PossibleValuesParser::new(HeadSpec::WORDS))]
    pub head: String,
    /// How to compute and answer.
    #[command(flatten)]
    pub run: RunArguments,
}

/// `hone search`
#[derive(Debug, Args)]
#[command(
    after_help = "Each head is trained and scored on labels held out from it (five folds); lower log-loss ranks higher.\n\n\
    Examples:\n  \
    hone search photos/ --minutes 2 -o photos.model.zip\n  \
    hone search reviews.csv --label-column sentiment --minutes 5 --json"
)]
pub struct SearchArguments {
    /// What to train on.
    #[command(flatten)]
    pub data: DataArguments,
    /// How long to search, in minutes; it ends sooner when there is nothing more to try
    #[arg(long, value_name = "N", value_parser = minutes)]
    pub minutes: f64,
    /// Where to save the model that the search settles on
    #[arg(short, long, value_name = "MODEL")]
    pub output: Option<PathBuf>,
    /// How to compute and answer.
    #[command(flatten)]
    pub run: RunArguments,
}

/// `hone score`
#[derive(Debug, Args)]
#[command(after_help = "The CSV has the columns item, prediction, probability and one column a class.\n\n\
    Examples:\n  \
    hone score photos.model.zip new-photos/ -o scores.csv\n  \
    hone score reviews.model.zip more.jsonl > scores.csv\n  \
    hone score penguins.model.zip penguins.csv --json")]
pub struct ScoreArguments {
    /// A model saved by `hone train` or exported by the app
    #[arg(value_name = "MODEL")]
    pub model: PathBuf,
    /// A folder, a CSV, TSV or JSON Lines file, a zip of these, or a project (.hone); labels are not looked at
    #[arg(value_name = "DATA")]
    pub data: PathBuf,
    /// Where to write the scores [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Make the CSV safe to open in a spreadsheet: cells that it would run as formulas get an apostrophe
    #[arg(long)]
    pub for_spreadsheets: bool,
    /// The column that holds the text, if it is not named as in the training data
    #[arg(long, value_name = "NAME")]
    pub text_column: Option<String>,
    /// How tables are read.
    #[command(flatten)]
    pub table: TableArguments,
    /// How to compute and answer.
    #[command(flatten)]
    pub run: RunArguments,
}

/// What models are measured on, and how.
#[derive(Debug, Args)]
pub struct MeasuredArguments {
    /// Labelled data that no model compared was trained on
    #[arg(value_name = "DATA")]
    pub data: PathBuf,
    /// The column that holds the labels; folders and projects need none [default: as in the training data]
    #[arg(long, value_name = "NAME")]
    pub label_column: Option<String>,
    /// The column that holds the text, if it is not named as in the training data
    #[arg(long, value_name = "NAME")]
    pub text_column: Option<String>,
    /// How tables are read.
    #[command(flatten)]
    pub table: TableArguments,
    /// How to compute and answer.
    #[command(flatten)]
    pub run: RunArguments,
}

/// `hone evaluate`
#[derive(Debug, Args)]
#[command(after_help = "Of a project, the blind audits are used if there are any, else every label a person set.\n\n\
    Examples:\n  \
    hone evaluate photos.model.zip held-out-photos/\n  \
    hone evaluate reviews.model.zip test.csv --label-column sentiment --json")]
pub struct EvaluateArguments {
    /// A model saved by `hone train` or exported by the app
    #[arg(value_name = "MODEL")]
    pub model: PathBuf,
    /// What to measure on.
    #[command(flatten)]
    pub measured: MeasuredArguments,
}

/// `hone gate`
#[derive(Debug, Args)]
#[command(
    after_help = "Of a project, the blind audits are used if there are any, else every label a person set. The exit code is 0 \
    whatever the verdict.\n\n\
    Examples:\n  \
    hone gate old.model.zip new.model.zip held-out-photos/\n  \
    hone gate old.model.zip new.model.zip test.csv --label-column sentiment --json"
)]
pub struct GateArguments {
    /// The model in use
    #[arg(value_name = "OLD")]
    pub old: PathBuf,
    /// The model that may replace it
    #[arg(value_name = "NEW")]
    pub new: PathBuf,
    /// What to measure on.
    #[command(flatten)]
    pub measured: MeasuredArguments,
}

/// `hone drift`
#[derive(Debug, Args)]
#[command(
    after_help = "REFERENCE should be data the model was audited on, not what it was trained on: on that it is too sure, and new data always \
    looks different. Its labels say how good the model was and how far its probabilities can be trusted; without 20 of them, of fewer than 20 new \
    items, and of items unlike the reference no accuracy is estimated. BATCH needs no labels; if it has some, they count as audits drawn at random, and they decide. Of a project, the blind \
    audits are the labels.\n\
    The exit code is 0 if the model is healthy or too little is known, 10 if it is to be watched (the data moved, or the estimate is below the floor), 20 if it has \
    deteriorated, and 1 or 2 if it could not be told.\n\n\
    Examples:\n  \
    hone drift reviews.model.zip audited.csv monday.csv --label-column sentiment\n  \
    hone drift photos.model.zip held-out-photos/ new-photos/ --floor 0.9 --json\n  \
    hone drift penguins.model.zip test.csv new.csv --json > drift.json || echo \"look at drift.json\""
)]
pub struct DriftArguments {
    /// A model saved by `hone train` or exported by the app
    #[arg(value_name = "MODEL")]
    pub model: PathBuf,
    /// What new data is compared with: a folder, a CSV, TSV or JSON Lines file, a zip of these, or a project (.hone)
    #[arg(value_name = "REFERENCE")]
    pub reference: PathBuf,
    /// The new data, of the same kind
    #[arg(value_name = "BATCH")]
    pub batch: PathBuf,
    /// The accuracy that is acceptable, between 0 and 1 [default: that on the reference, less 5 points or what its interval allows]
    #[arg(long, value_name = "SHARE", value_parser = share_parser)]
    pub floor: Option<f64>,
    /// The column that holds the labels; folders and projects need none [default: as in the training data]
    #[arg(long, value_name = "NAME")]
    pub label_column: Option<String>,
    /// The column that holds the text, if it is not named as in the training data
    #[arg(long, value_name = "NAME")]
    pub text_column: Option<String>,
    /// How tables are read.
    #[command(flatten)]
    pub table: TableArguments,
    /// How to compute and answer.
    #[command(flatten)]
    pub run: RunArguments,
}

/// `hone issues`
#[derive(Debug, Args)]
#[command(
    after_help = "Of DATA, a model predicts each label without having seen it (five folds), and its ten nearest labels vote. With --probs and \
    --labels these numbers are yours: what cleanlab's find_label_issues reads, and the same answers.\n\
    The CSV has the columns index, is_issue, score, given and suggested, a line a label. The exit code is 0 however many issues there are.\n\n\
    Examples:\n  \
    hone issues reviews.csv --label-column sentiment > issues.csv\n  \
    hone issues photos/ --json\n  \
    hone issues --probs probabilities.npy --labels labels.npy --filter-by both --rank-by normalized_margin"
)]
pub struct IssuesArguments {
    /// A folder of class folders, a CSV, TSV or JSON Lines file, a zip of these, or a project (.hone)
    #[arg(value_name = "DATA", required_unless_present = "probs", conflicts_with = "probs")]
    pub data: Option<PathBuf>,
    /// The column that holds the labels; folders and projects need none
    #[arg(long, value_name = "NAME", conflicts_with = "probs")]
    pub label_column: Option<String>,
    /// The column whose numbers are looked at, instead of labels that are classes
    #[arg(long, value_name = "NAME", conflicts_with_all = ["probs", "label_column", "head", "filter_by", "rank_by"])]
    pub target_column: Option<String>,
    /// What overrules the guess.
    #[command(flatten)]
    pub reading: ReadingArguments,
    /// What predicts the labels
    #[arg(long, value_name = "NAME", default_value = "logistic", value_parser = PossibleValuesParser::new(HeadSpec::WORDS))]
    pub head: String,
    /// Out-of-sample probabilities instead of DATA: a .npy file, a row an item, a column a class
    #[arg(long, value_name = "P.npy", requires = "labels")]
    pub probs: Option<PathBuf>,
    /// The labels that go with --probs: a .npy file of column numbers, from 0
    #[arg(long, value_name = "L.npy", requires = "probs")]
    pub labels: Option<PathBuf>,
    /// What makes a label an issue, by cleanlab's names
    #[arg(long, value_name = "MODE", default_value = FilterBy::default().word(), value_parser = filter_parser())]
    pub filter_by: FilterBy,
    /// What the order and the score are [default: joint for DATA, self_confidence for --probs]
    #[arg(long, value_name = "SCORE", value_parser = rank_parser())]
    pub rank_by: Option<RankBy>,
    /// Where to write the CSV [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Make the CSV safe to open in a spreadsheet: cells that it would run as formulas get an apostrophe
    #[arg(long)]
    pub for_spreadsheets: bool,
    /// How to compute and answer.
    #[command(flatten)]
    pub run: RunArguments,
}

/// `hone simulate`
#[derive(Debug, Args)]
#[command(after_help = "Without --test, a third of each class is held out, another third for each seed.\n\n\
    Examples:\n  \
    hone simulate photos/ --strategy herding,random --budget 100 --batch 10 --seeds 10\n  \
    hone simulate train.csv --label-column label --test test.csv --strategy margin --json\n  \
    hone simulate photos/ --markdown > label-efficiency.md")]
pub struct SimulateArguments {
    /// What to train on, or to label from.
    #[command(flatten)]
    pub data: DataArguments,
    /// Data to measure on, read like DATA [default: a third of each class of DATA is held out]
    #[arg(long, value_name = "DATA")]
    pub test: Option<PathBuf>,
    /// What to ask first, to be compared
    #[arg(long, value_name = "NAME,NAME", value_delimiter = ',', default_value = "herding,random", value_parser = strategy_parser())]
    pub strategy: Vec<Strategy>,
    /// How many labels to ask for in all
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub budget: u32,
    /// How many labels to ask for between two trainings
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub batch: u32,
    /// How many runs to average, each with its own seed
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub seeds: u32,
    /// Answer as a Markdown table
    #[arg(long, conflicts_with = "json")]
    pub markdown: bool,
    /// How to compute and answer.
    #[command(flatten)]
    pub run: RunArguments,
}

/// `hone certify`
#[derive(Debug, Args)]
#[command(
    after_help = "Draw the audits at random from the items to accept, and fix their number before looking: it holds for one look.\n\n\
    Examples:\n  \
    hone certify --audits 59 --errors 0 --alpha 0.05 --delta 0.05\n  \
    hone certify --audits 120 --errors 1 --alpha 0.05 --delta 0.05 --of 800 --json"
)]
pub struct CertifyArguments {
    /// How many items were audited
    #[arg(long, value_name = "N")]
    pub audits: u64,
    /// How many of these were wrong
    #[arg(long, value_name = "K")]
    pub errors: u64,
    /// The error budget: the share of items that may be wrong, between 0 and 1
    #[arg(long, value_name = "A")]
    pub alpha: f64,
    /// The probability with which the certificate may be false, between 0 and 1
    #[arg(long, value_name = "D")]
    pub delta: f64,
    /// How many items the audits were drawn from, without replacement [default: any number]
    #[arg(long, value_name = "POPULATION")]
    pub of: Option<u64>,
    /// Answer as JSON on standard output
    #[arg(long)]
    pub json: bool,
}

/// `hone runs`
#[derive(Debug, Args)]
#[command(
    after_help = "EXPRESSION compares metrics.NAME, params.NAME, tags.NAME and the attributes status, kind, name, number, start_time, \
    end_time and duration, by = != > >= < <= like ilike, joined by and, or, not and parentheses.\n\n\
    Examples:\n  \
    hone runs photos.hone\n  \
    hone runs photos.hone --where 'metrics.accuracy > 0.9 and params.head = \"ridge\"'\n  \
    hone runs photos.hone --where 'kind = \"trial\" and start_time >= \"2026-11-24\"' --json"
)]
pub struct RunsArguments {
    /// A project saved by Hone (.hone)
    #[arg(value_name = "PROJECT")]
    pub project: PathBuf,
    /// Only the runs that match, as in the app's table [default: all]
    #[arg(long = "where", value_name = "EXPRESSION", default_value = "", hide_default_value = true, value_parser = Query::parse)]
    pub query: Query,
    /// Answer as JSON on standard output
    #[arg(long)]
    pub json: bool,
}

fn share_parser(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "it is no number; write 0.9 for 90 %".to_string())?;
    if 0.0 < share && share < 1.0 { Ok(share) } else { Err("it must lie between 0 and 1; write 0.9 for 90 %".into()) }
}

fn strategy_parser() -> impl TypedValueParser<Value = Strategy> {
    const ALL: [Strategy; 3] = [Strategy::Herding, Strategy::Margin, Strategy::Random];
    PossibleValuesParser::new(ALL.map(Strategy::word))
        .try_map(|word| ALL.into_iter().find(|&strategy| strategy.word() == word).ok_or("no such strategy"))
}

fn filter_parser() -> impl TypedValueParser<Value = FilterBy> {
    PossibleValuesParser::new(FilterBy::ALL.map(FilterBy::word))
        .try_map(|word| FilterBy::from_word(&word).ok_or("no such mode"))
}

fn rank_parser() -> impl TypedValueParser<Value = RankBy> {
    PossibleValuesParser::new(RankBy::ALL.map(RankBy::word))
        .try_map(|word| RankBy::ALL.into_iter().find(|rank| rank.word() == word).ok_or("no such score"))
}

fn minutes(word: &str) -> Result<f64, String> {
    /// Whoever means longer than a year means something else.
    const MOST: f64 = 525_600.0;
    match word.parse::<f64>() {
        Ok(minutes) if minutes > 0.0 && minutes <= MOST => Ok(minutes),
        _ => Err("it must be a number above 0".into()),
    }
}

fn kind_parser() -> impl TypedValueParser<Value = Kind> {
    PossibleValuesParser::new([Kind::Image, Kind::Text, Kind::Table].map(Kind::word))
        .try_map(|word| Kind::from_word(&word).ok_or("no such kind"))
}

/// clap's report without its usage block, on one line.
pub fn in_one_line(error: &clap::Error) -> String {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return "say what to do: inspect, train, search, score, evaluate, gate, drift, issues, simulate, certify or runs (see `hone --help`)"
            .into();
    }
    let report = error.render().to_string();
    let said: Vec<&str> = report
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .filter(|line| !line.is_empty())
        .collect();
    let said = said.join(" ");
    format!("{} (see `hone --help`)", said.strip_prefix("error: ").unwrap_or(&said))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_wrong_command_line_is_told_in_one_line() {
        let check = |line: &str, expected: &str| {
            let error = Arguments::try_parse_from(line.split(' ')).expect_err("a wrong command line");
            let said = in_one_line(&error);
            assert!(said.contains(expected) && !said.contains('\n'), "{line}: {said}");
        };
        check("hone", "inspect, train, search, score, evaluate, gate, drift, issues, simulate, certify or runs");
        check("hone polish", "polish");
        check("hone train photos", "--output <MODEL>");
        check("hone train photos -o m --lable-column x", "--label-column");
        check("hone simulate photos --strategy herding,tea", "tea");
        check("hone simulate photos --budget 0", "0");
        check("hone simulate photos --kind sound", "image, text, table");
        check("hone issues", "<DATA>");
        check("hone issues --probs p.npy", "--labels");
        check("hone issues photos --probs p.npy --labels l.npy", "cannot be used with");
        check("hone issues photos --filter-by magic", "prune_by_noise_rate, prune_by_class");
        check("hone issues photos --rank-by magic", "joint, self_confidence");
        check("hone inspect", "<DATA>");
        check("hone inspect d --header --no-header", "cannot be used with");
        check("hone certify --audits ten --errors 0 --alpha 0.05 --delta 0.05", "ten");
        check("hone certify --audits 10 --errors 0 --alpha 0.05", "--delta <D>");
    }

    #[test]
    fn lists_are_split_at_commas() {
        let line = "hone simulate d --strategy margin,random --ignore a,b";
        let Command::Simulate(simulate) = Arguments::try_parse_from(line.split(' ')).expect("a right line").command
        else {
            panic!("simulate was asked for")
        };
        assert_eq!(simulate.strategy, [Strategy::Margin, Strategy::Random]);
        assert_eq!(simulate.data.reading.ignore, ["a", "b"]);
    }
}
