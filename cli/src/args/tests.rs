use super::*;
use clap::CommandFactory;
use clap::error::ErrorKind;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split(' '))
}

#[test]
fn the_definition_of_the_command_line_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn a_wrong_command_line_is_refused() {
    let check = |line: &str, kind| assert_eq!(parse(line).unwrap_err().kind(), kind, "{line}");
    check("gristmill grind", ErrorKind::InvalidSubcommand);
    check("gristmill run", ErrorKind::MissingRequiredArgument);
    check("gristmill run job.sql -c SELECT", ErrorKind::ArgumentConflict);
    check("gristmill run job.sql --format xml", ErrorKind::InvalidValue);
    check("gristmill sql --set memory.limit", ErrorKind::ValueValidation);
    check("gristmill sql --set =1", ErrorKind::ValueValidation);
    check("gristmill tpch --scale -1 --output data", ErrorKind::UnknownArgument);
    check("gristmill tpch --scale NaN --output data", ErrorKind::ValueValidation);
    check("gristmill tpch --scale 1 --output data --tables lineitems", ErrorKind::ValueValidation);
    check("gristmill cluster --executors 0", ErrorKind::ValueValidation);
    check("gristmill training-set gc out --older-than 5", ErrorKind::ValueValidation);
    check("gristmill -q -v sql", ErrorKind::ArgumentConflict);
}

#[test]
fn options_of_every_command_stand_before_or_after_it() {
    for line in ["gristmill --set a.b=c=d -v sql", "gristmill sql -v --set a.b=c=d"] {
        let cli = parse(line).unwrap();
        assert_eq!(cli.global.settings, [("a.b".to_owned(), "c=d".to_owned())]);
        assert_eq!(cli.global.verbose, 1);
    }
}

#[test]
fn tables_are_listed_with_commas() {
    let Command::Tpch(args) = parse("gristmill tpch -s 1 -o data --tables orders,LINEITEM").unwrap().command
    else {
        panic!("not tpch");
    };
    let names: Vec<_> = args.tables.iter().map(|table| table.name()).collect();
    assert_eq!(names, ["orders", "lineitem"]);
}

#[test]
fn a_job_is_dead_after_a_day_unless_an_age_is_given() {
    for (line, seconds) in [("out", 86_400), ("out --older-than 0s", 0), ("--older-than=90min out", 5_400)] {
        let line = format!("gristmill training-set gc {line}");
        let Command::TrainingSet(TrainingSetCommand::Gc(args)) = parse(&line).unwrap().command else {
            panic!("not gc");
        };
        assert_eq!((args.older_than.as_secs(), args.dry_run), (seconds, false), "{line}");
    }
}

#[test]
fn every_command_explains_itself() {
    for command in Cli::command().get_subcommands() {
        assert!(command.get_about().is_some(), "{}", command.get_name());
    }
}
