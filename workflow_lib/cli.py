"""The command `latent-atlas`.

Libraries are imported where they are used, so that help and light commands start at once.
"""

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from workflow_lib.errors import Problem, UserError

DEFAULT = Path("config.yaml")


class Commands(TyperGroup):
    """Commands that end with 1 and the problems, not with a traceback, when the user has to put something right."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except UserError as error:
            print(error, file=sys.stderr)
            raise typer.Exit(1) from None


class Run(TyperCommand):
    """The command `run`, which takes options that are not its own; what comes after `--` are targets."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Set the targets after `--` aside, which would otherwise come in one list with the other words."""
        end = args.index("--") if "--" in args else len(args)
        ctx.obj = args[end + 1 :]
        return super().parse_args(ctx, args[:end])


app = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
cache = typer.Typer(no_args_is_help=True, help="Show or shrink the cache of results.", rich_markup_mode=None)
app.add_typer(cache, name="cache")

Files = Annotated[
    list[Path],
    typer.Option(
        "--configfile",
        metavar="FILE",
        help="Config file; config.yaml by default. May be given several times: where two files set the same key, the "
        "later one counts.",
        show_default=False,
    ),
]
Results = Annotated[
    str | None,
    typer.Option("--results", metavar="DIR", help="Folder of the results; overrides the config's key 'results'."),
]


def _version(wanted: bool) -> None:
    if wanted:
        import workflow_lib

        print(f"latent-atlas {workflow_lib.__version__}")
        raise typer.Exit


@app.callback()
def latent_atlas(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Look into the latent space of neural classifiers.

    For data or networks of your own, make a folder with a config to edit:

    \b
        latent-atlas new mystudy

    In the folder of your config.yaml:

    \b
        latent-atlas estimate     how long will it take?
        latent-atlas run          compute all tables and figures
        latent-atlas report       put them on one page

    'latent-atlas COMMAND --help' explains a command and shows examples.
    """


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder to make; its parent must be there.")],
    kind: Annotated[
        str, typer.Option("--from", metavar="WHAT", help="What you bring: images, model or embeddings.")
    ] = "images",
) -> None:
    """Make a folder for a study of your own.

    It has a short config.yaml with comments, an example that runs as it is, and a README that says what to do. Nothing
    that exists is overwritten.

    \b
        latent-atlas new mystudy                     images, in a folder for each class
        latent-atlas new mystudy --from model        a network in PyTorch
        latent-atlas new mystudy --from embeddings   features that are computed already
    """
    from workflow_lib.new import KINDS, make

    if kind not in KINDS:
        raise typer.BadParameter(f"'{kind}' is none of {', '.join(KINDS)}", param_hint="--from")
    _snakefile()  # better now than at the first run
    names = make(folder, kind)
    print(f"Made {folder}: {', '.join(names)}\nNext: cd {shlex.quote(str(folder))}, and do as README.md says")


@app.command(
    cls=Run,
    context_settings={"ignore_unknown_options": True},
    options_metavar="[--configfile FILE]... [--results DIR]",
)
def run(
    context: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(metavar="TARGET | SNAKEMAKE'S OPTION", hidden=True)] = None,
    files: Files = [],
    results: Results = None,
) -> None:
    """Compute tables and figures, or only the targets given.

    A target is a stage (checkpoints, features, kstar, maps, prototypes, confusion, tables, figures, arrays), another
    rule, or the path of a result. Without a target, all tables and figures of the config are made. Results that are up
    to date are kept.

    \b
        latent-atlas run                                     everything in config.yaml
        latent-atlas run -n                                  only show what would run
        latent-atlas run kstar --configfile other.yaml       the k* of another config
        latent-atlas run --cores 4 --until compute_kstar
        latent-atlas run --workflow-profile profiles/slurm   on a cluster

    All options that are not listed below are Snakemake's ('snakemake --help'), '--config KEY=VALUE' among them. Targets
    and options may come in any order. Where an option of Snakemake takes several values, such as --until, put targets
    before it or after '--'. The exit status is Snakemake's.
    """
    from workflow_lib.plan.load import read_config
    from workflow_lib.runner.snakemake_words import sort_words

    read_config(files)  # Snakemake would end with a traceback on a file that it cannot read
    found = sort_words(words or [])
    targets = [*found.targets, *context.obj]
    for change in found.changes:
        if "=" not in change:
            raise typer.BadParameter(
                f"'{change}' is not KEY=VALUE. A file: --configfile {change}", param_hint="--config"
            )
    for target in targets:
        if target.endswith((".yaml", ".yml")):
            raise typer.BadParameter(
                f"'{target}' would be a target. Name each config by an option of its own: --configfile {target}",
                param_hint="TARGET",
            )
    snakefile = [] if "snakefile" in found.given else ["--snakefile", str(_snakefile())]
    _become_snakemake([*snakefile, *_config_options(files, found.changes, results), *found.options], targets)


@app.command()
def why(files: Files = [DEFAULT], results: Results = None) -> None:
    """Show which jobs would run, and why.

    Compares the config, the code and the inputs with the record beside each result. Nothing runs and nothing is
    changed.

    \b
        latent-atlas why
        latent-atlas why --configfile configs/miniature.yaml
    """
    from workflow_lib.plan.why import describe, explain

    print(describe(explain(_plan(files, results))))


@app.command()
def estimate(files: Files = [DEFAULT], results: Results = None) -> None:
    """Estimate the hours and disk space of a run.

    Counts jobs, CPU hours, GPU hours and disk space by stage. The numbers come from earlier jobs where there are any,
    else from short trials on this machine, else from a table. Nothing is written.

    \b
        latent-atlas estimate
        latent-atlas estimate --configfile configs/cifar10-resnet18.yaml
    """
    from workflow_lib.plan.estimate import describe, estimate, measurements, unmeasured

    plan = _plan(files, results)
    print(describe(estimate(plan, measure=measurements(plan))) + unmeasured(plan, _options(files, results)))


@app.command()
def orphans(
    files: Annotated[
        list[Path],
        typer.Option(
            "--configfile",
            metavar="FILE",
            help="Config file whose results are kept; config.yaml by default. May be given several times.",
            show_default=False,
        ),
    ] = [DEFAULT],
    results: Results = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove what is listed.")] = False,
) -> None:
    """List results that no config names any longer.

    They are left over from earlier configs, with their records, logs and benchmarks. Without --remove, nothing changes.
    The cache keeps its copies: a result that is needed again comes back from there.

    \b
        latent-atlas orphans
        latent-atlas orphans --configfile config.yaml --configfile other.yaml
        latent-atlas orphans --remove
    """
    from workflow_lib.plan import orphans

    found = orphans.orphans([_plan([file], results) for file in files])
    print(orphans.describe(found))
    if remove and found:
        orphans.remove(found)
        print("Removed.")


@app.command()
def verify(files: Files = [DEFAULT], results: Results = None) -> None:
    """Check that no result was damaged or edited.

    Reads every result and compares it with the checksum recorded when it was made. Changes nothing. The exit status is
    1 if any result differs.

    \b
        latent-atlas verify
        latent-atlas verify --results results/miniature
    """
    from workflow_lib.runner.verify import damaged

    folder = _results(files, results)
    count, wrong = damaged(folder)
    _print_checked(count, wrong)
    if wrong:
        print("\n".join(map(str, wrong)))
        repair = shlex.join(["latent-atlas", "repair", *_options(files, results)])
        print(f"To move them aside and restore what the cache has: {repair}")
        raise typer.Exit(1)


@app.command()
def repair(files: Files = [DEFAULT], results: Results = None) -> None:
    """Replace damaged results by their copies in the cache.

    Checks all results as 'verify' does. A damaged file is renamed to NAME.damaged, and its copy in the cache takes its
    place. Where there is no copy, the next run makes the result again.

    \b
        latent-atlas repair
    """
    from workflow_lib.runner.verify import damaged, repaired

    folder = _results(files, results)
    count, wrong = damaged(folder)
    _print_checked(count, wrong)
    for path in wrong:
        print(f"{path}: {repaired(path, folder, _options(files, results))}")


@app.command()
def report(
    page: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="File to write; report.html in the results by default.")
    ] = None,
    files: Files = [DEFAULT],
    results: Results = None,
) -> None:
    """Put what was run, what was found, tables and figures on one web page.

    The page is a single file that needs no network. It shows what there is, and marks what is missing or outdated.
    Nothing is computed. ('snakemake --report FILE' makes Snakemake's own report instead.)

    \b
        latent-atlas report
        latent-atlas report study.html --configfile configs/miniature.yaml
    """
    from workflow_lib.report.write import describe, write

    plan, options = _plan(files, results), _options(files, results)
    print(describe(write(plan, files, page or Path(plan.results) / "report.html", options), options))


@cache.command()
def info() -> None:
    """Show what the cache holds.

    Lists jobs, files and sizes by step, and how often a result was taken from the cache (hits) or computed (misses).
    The cache is in results/.cache, or where the variable LATENT_ATLAS_CACHE says.

    \b
        latent-atlas cache info
    """
    from workflow_lib.cache.digests import cache_folder
    from workflow_lib.cache.inventory import table, take_inventory

    folder = cache_folder()
    print(f"{folder}\n{table(take_inventory(folder))}")


def _size(text: str) -> int:
    from workflow_lib.cache.pruning import parse_size

    try:
        return parse_size(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


@cache.command()
def prune(
    budget: Annotated[
        int, typer.Option(metavar="SIZE", parser=_size, help="Size that the cache may keep, such as 10GB, 500MiB or 0.")
    ],
) -> None:
    """Make the cache smaller.

    Removes what was not used for longest, until the rest fits the budget. What was used in the last ten minutes stays.
    Results outside the cache are not touched; what is removed has to be computed again when it is needed.

    \b
        latent-atlas cache prune --budget 10GB
    """
    from workflow_lib.cache.digests import cache_folder
    from workflow_lib.cache.pruning import describe, prune

    folder = cache_folder()
    try:
        done = prune(folder, budget)
    except OSError as error:
        repair = "prune as the user who owns the cache"
        raise UserError(Problem(str(folder), str(error), "the cache cannot be changed", repair)) from None
    print(f"{folder}: {describe(done, budget)}")


def _plan(files: Sequence[Path], results: str | None) -> Any:
    """The plan of these config files, read as one."""
    from workflow_lib.plan.load import load_plan, read_config

    return load_plan(read_config(files, _changes(results)), files)


def _results(files: Sequence[Path], results: str | None) -> Path:
    """The folder of results; the rest of the config need not be valid."""
    from workflow_lib.plan.load import read_config

    return Path(results or read_config(files).get("results", "results"))


def _options(files: Sequence[Path], results: str | None) -> list[str]:
    """The options of this call, for another command that is to find the same config and results."""
    from workflow_lib.plan.load import options_of

    return options_of(files, _changes(results))


def _changes(results: str | None) -> list[str]:
    return [f"results={results}"] if results else []


def _config_options(files: Sequence[Path], changes: Sequence[str], results: str | None) -> list[str]:
    """Options of Snakemake for a config; it has to be told all files, and all changes, at once."""
    options = ["--configfile", *map(str, files)] if files else []
    changes = [*changes, *_changes(results)]
    return [*options, "--config", *changes] if changes else options


def _snakefile() -> Path:
    """That of the working directory, else that of the project which this package belongs to."""
    here, installed = Path("Snakefile"), Path(__file__).parents[1] / "Snakefile"
    if not here.is_file() and not installed.is_file():
        raise typer.BadParameter("no Snakefile: it comes with a clone of the project; change to the clone's folder")
    return here if here.is_file() else installed


def _print_checked(count: int, wrong: Sequence[Path]) -> None:
    print(f"{count} results checked, {len(wrong)} damaged or edited since they were made")


def _become_snakemake(options: Sequence[str], targets: Sequence[str]) -> NoReturn:
    """Run Snakemake in this process, so that signals and exit status are its own."""
    arguments = [*options, "--", *targets] if targets else options
    os.execv(sys.executable, [sys.executable, "-m", "snakemake", *arguments])


def main() -> None:
    """Run the command in the working directory's own copy of this package if it has one, for its jobs run that, too."""
    here = Path("workflow_lib", "cli.py")
    if here.is_file() and not here.samefile(__file__):
        os.execv(sys.executable, [sys.executable, "-m", "workflow_lib.cli", *sys.argv[1:]])
    app(prog_name="latent-atlas")


if __name__ == "__main__":
    app(prog_name="latent-atlas")
