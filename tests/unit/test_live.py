"""What a run shows: events of Snakemake, by hand, become a state and its text."""

import io
import logging
import os
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from workflow_lib.live import text
from workflow_lib.live.failures import failure, in_our_words
from workflow_lib.live.handler import LogHandler
from workflow_lib.live.state import State, rows, seconds_left
from workflow_lib.plan.forecast import LAST, Forecast, Step, stage

PROBLEM = "compute_kstar: 1 problem:\ndata/x.npz: 7\n    must be 3\n    -> write 3\n"
TRACEBACK = 'Traceback (most recent call last):\n  File "a.py", line 1, in f\nValueError: no room\n'


def foreseen():
    steps = {
        "train_interval/net/seed-0": Step("training", "train_interval", 30.0),
        "train_interval/net/seed-1": Step("training", "train_interval", 30.0),
        "draw_violins/layers": Step("tables and figures", "figures_kstar", 20.0),
    }
    reasons = {
        "training": Counter({"not there yet": 2}),
        "tables and figures": Counter({"setting: title": 1}),
    }
    return Forecast("results", steps, reasons)


def info(number, log, *output, what="1 training of net"):
    rule = log.partition("logs/")[2].partition("/")[0]
    return {"jobid": number, "log": [log], "output": output, "rule_msg": what, "rule_name": rule}


def begun():
    """Two trainings have started at 100 s, on two cores."""
    state = State()
    state.take(None, {"forecast": foreseen()}, 90)
    state.take("resources_info", {"cores": 2}, 95)
    state.take("run_info", {"stats": {"train_interval_2": 2, "figures_kstar": 1, "all": 1}}, 95)
    for number in (0, 1):
        state.take("job_info", info(number, f"results/logs/train_interval/net/seed-{number}.log"), 100)
    return state


def test_what_is_left_is_corrected_by_what_was_measured():
    state = begun()
    assert seconds_left(state, rows(state, 110)) is None
    state.take("job_finished", {"job_id": 0}, 115)  # half of the 30 s that were foreseen
    training, figures = rows(state, 115)
    assert (training.done, training.steps, figures.steps) == (1, 2, 1)
    rate = (15 + 30) / (30 + 30)  # with 30 s of work as it was foreseen
    assert figures.left == pytest.approx(20 * rate)
    rate = (15 + 30 * rate) / (30 + 30)
    assert training.left == pytest.approx(30 * rate - 15)  # the other runs since 15 s
    assert seconds_left(state, [training, figures]) == pytest.approx((3.75 + 15) / 2)
    assert rows(state, 1000)[0].left == pytest.approx(0.1 * 30 * rate)  # never all of it is over


def test_outputs_that_are_there_tell_how_far_a_job_is(tmp_path):
    state = State()
    files = [tmp_path / name for name in "abcd"]
    log = tmp_path / "logs" / "train_interval" / "net.log"
    log.parent.mkdir(parents=True)
    state.take("job_info", info(0, str(log), *map(str, files)), 1000)
    for file, time in ((files[0], 999), (files[1], 1001), (log, 1002)):
        file.write_text("train_interval: 3 epochs\nepoch: 3/10, about 7 s left\n")
        os.utime(file, (time, time))
    state.look()
    (job,) = state.running.values()
    assert job.share == 0.25  # the first output is of an earlier run
    assert job.said == "epoch: 3/10, about 7 s left"


def test_rules_that_take_no_part_are_left_out():
    state = State()
    state.take(None, {"forecast": foreseen()}, 0)
    state.take("run_info", {"stats": {"train_interval": 2}}, 0)
    assert [row.stage for row in rows(state, 0)] == ["training"]


def test_bars_are_as_long_as_the_stages_take():
    state = begun()
    state.take("job_finished", {"job_id": 0}, 130)
    lines = text.view(state, 130, 60, 20)
    assert lines[0] == f"training           {'█' * 19}░           1 of 2"
    assert lines[1] == f"tables and figures {'░' * 6}                         0 of 1"
    assert lines[2].endswith("71%")
    assert lines[3].startswith("30 s so far, about 12 s left: until ")
    assert lines[-1] == "now  1 training of net, 30 s"


@pytest.mark.parametrize(("width", "height"), [(20, 3), (40, 4), (200, 50)])
def test_the_view_fits_its_terminal(width, height):
    lines = text.view(begun(), 130, width, height)
    assert len(lines) <= height
    assert max(map(len, lines)) <= width


def test_the_first_figure_and_the_end_are_told():
    state = begun()
    for number in (0, 1):
        state.take("job_finished", {"job_id": number}, 130)
    figure = "results/studies/kstar/layers/violins.svg"
    state.take("job_info", info(2, "results/logs/draw_violins/layers.log", "violins.csv", figure), 130)
    state.take("job_finished", {"job_id": 2}, 150)
    assert f"first figure       {figure}" in text.view(state, 150, 80, 20)
    assert text.last_words(state, 150) == [
        "Done after 50 s: 3 of 3 steps.",
        "Tables and figures: results/studies/",
        "To see them on one page: latent-atlas report",
    ]


def test_the_page_is_that_of_the_same_config():
    state = State(forecast=Forecast(options=["--configfile", "a b.yaml"]), nothing=True)
    assert text.last_words(state, 0)[-1] == "To see them on one page: latent-atlas report --configfile 'a b.yaml'"


def test_a_stop_says_that_nothing_is_lost():
    state = begun()
    state.take("job_finished", {"job_id": 0}, 130)
    state.take(None, {"msg": "Terminating processes on user request, this might take some time."}, 131)
    state.take("job_error", info(1, "results/logs/train_interval/net/seed-1.log"), 131)
    said = text.last_words(state, 131)
    assert said[0] == "Stopped after 31 s: 1 of 3 steps are done, and nothing of them is lost."
    assert "Failed" not in "".join(said)


def test_a_failure_names_its_cause_and_its_log_once(tmp_path):
    log = tmp_path / "logs" / "train_interval" / "net.log"
    log.parent.mkdir(parents=True)
    log.write_text(f"epoch: 3/10\n{PROBLEM}")
    state = State()
    for number in (0, 1):
        state.take("job_info", info(number, str(log)), 100)
        state.take("job_error", info(number, str(log)), 110)
    said = text.last_words(state, 110)
    assert said == [
        f"Failed: 1 training of net and 1 more that failed alike (log: {log})",
        PROBLEM.strip(),
        "Ended after 10 s: 0 of 1 steps are done and stay. Correct it, and call the same command.",
    ]


def test_a_second_attempt_that_succeeds_is_no_failure():
    state = begun()
    job = info(0, "results/logs/train_interval/net/seed-0.log")
    state.take("job_error", job, 110)
    assert 0 in state.failures
    state.take("job_info", job, 111)
    state.take("job_finished", {"job_id": 0}, 120)
    assert not state.failures


@pytest.mark.parametrize(
    ("logs", "cause"),
    [
        ([TRACEBACK], "ValueError: no room"),
        (["epoch: 1/2\n", TRACEBACK], "ValueError: no room"),
        (["draw: 1 problem:\nx\n    could not be made\n    -> see\n", PROBLEM], PROBLEM.strip()),
        (["epoch: 1/2\n"], "ended without a message"),
        ([], "ended without a message"),
    ],
)
def test_the_cause_is_found_in_the_logs(tmp_path, logs, cause):
    paths = [tmp_path / f"{number}.log" for number in range(len(logs))]
    for path, said in zip(paths, logs, strict=True):
        path.write_text(said)
    assert failure("a job", [*map(str, paths), str(tmp_path / "missing.log")]).cause.startswith(cause)


def test_a_log_that_refers_to_another_is_followed(tmp_path):
    other = tmp_path / "b.log"
    other.write_text(TRACEBACK)
    log = tmp_path / "a.log"
    log.write_text(f"done as one with others, see {other}\n")
    assert failure("a job", [str(log)]).cause == "ValueError: no room"


def test_a_dry_run_says_what_and_why():
    state = State()
    state.take(None, {"forecast": foreseen()}, 0)
    lines = text.dry_run(state, 0)
    assert lines[0] == "3 steps would run."
    assert lines[2] == "training                2  not there yet"
    assert lines[3] == "tables and figures      1  setting: title"


@pytest.mark.parametrize(
    ("seconds", "words"), [(7.6, "8 s"), (70, "1 min 10 s"), (3000, "50 min"), (7500, "2 h 5 min"), (0, "0 s")]
)
def test_seconds_in_words(seconds, words):
    assert text.span(seconds) == words


def test_a_lock_is_told_in_our_words():
    said = in_our_words("LockException", "Error: Directory cannot be locked.")
    assert "another run works in this folder" in said
    assert "--unlock" in said
    assert in_our_words("OSError", "no room\n") == "no room"


def test_a_target_that_nothing_makes_is_told_in_our_words():
    text = "MissingRuleException:\nNo rule to produce {} (if you use input functions make sure that they don't raise)."
    path = "results/kstar/net/gone.zarr.zip"
    said = in_our_words("MissingRuleException", text.format(path)).splitlines()
    assert said[:2] == ["1 problem:", path]
    assert "names no such result" in said[2]
    said = in_our_words("MissingRuleException", text.format("figurs"))
    assert said.startswith("1 problem:\nfigurs\n")
    assert "tables, figures, arrays" in said
    assert said.endswith("-> write figures")


def test_only_steps_that_make_tables_or_figures_are_in_the_last_stage():
    steps = Path(__file__).parents[2] / "workflow_lib" / "steps"
    last = [file.stem for file in steps.glob("[a-z]*_*.py") if stage(file.stem) == LAST]
    assert "draw_violins" in last
    assert not [verb for verb in last if not verb.startswith(("draw_", "tabulate_", "render_", "collect_kstar"))]


def handler(stream, **settings):
    usual = {"verbose": False, "debug_dag": False, "printshellcmds": False, "quiet": None, "stdout": False}
    made = LogHandler(SimpleNamespace(**usual | {"dryrun": False} | settings), None)
    made.stream = stream
    return made


def record(message, level=logging.INFO, **fields):
    made = logging.LogRecord("snakemake", level, "", 0, message, (), None)
    made.__dict__.update(fields)
    return made


def run_through(made):
    """A run of one job, as Snakemake logs it."""
    made.emit(record("Building DAG of jobs..."))
    made.emit(record("", forecast=Forecast("results", {"draw_maps/a": Step("maps", "draw_maps", 1.0)})))
    made.emit(record("Workflow has started!", event="workflow_started"))
    made.emit(record("", event="run_info", stats={"draw_maps": 1}))
    made.emit(record("Select jobs to execute..."))
    made.emit(record("", event="job_info", **info(0, "results/logs/draw_maps/a.log", what="1 map of a")))
    made.emit(record("", event="job_finished", job_id=0))
    made.close()


def test_a_log_gets_a_line_per_stage():
    stream = io.StringIO()
    run_through(handler(stream))
    first, second, last, *_ = stream.getvalue().splitlines()
    assert first.endswith(" 1 step to run: maps 1")
    assert second.endswith(" maps: 1 of 1 done after 0 s")
    assert last.startswith("Done after 0 s: 1 of 1 steps.")


@pytest.mark.parametrize(("quiet", "lines"), [({"progress"}, 3), ({"all"}, 0)])
def test_quiet_runs_say_less(quiet, lines):
    stream = io.StringIO()
    run_through(handler(stream, quiet=quiet))
    assert len(stream.getvalue().splitlines()) == lines


def test_errors_are_told_even_if_all_is_quiet():
    stream = io.StringIO()
    made = handler(stream, quiet={"all"})
    made.emit(record("Directory cannot be locked", logging.ERROR, event="error", exception="LockException"))
    assert "another run works in this folder" in stream.getvalue()


def test_what_other_commands_of_snakemake_say_is_passed_on():
    stream = io.StringIO()
    handler(stream).emit(record("Unlocked working directory."))
    assert stream.getvalue() == "Unlocked working directory.\n"


@pytest.mark.parametrize("wish", ["verbose", "debug_dag", "printshellcmds"])
def test_snakemakes_own_output_comes_back(wish):
    stream = io.StringIO()
    made = handler(stream, **{wish: True})
    assert not made.writes_to_stream
    run_through(made)
    assert stream.getvalue() == ""
