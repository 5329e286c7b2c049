"""`comus jobs list|show|log|result|first|cancel|resume`: what `--background` and the pages queue."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

import click

from comus_core.cli.options import JSON, WORKSPACE, give
from comus_core.errors import WorkspaceError
from comus_core.files.output_file import OutputFile
from comus_core.jobs import (
    ACTIVE,
    FINAL,
    Job,
    cancel,
    ensure_supervisor,
    eta_seconds,
    events,
    get,
    is_responding,
    list_jobs,
    prioritise,
    read_log,
    read_result,
    resume,
)
from comus_core.jobs.logs import log_size, read_from
from comus_core.jobs.words import title
from comus_core.text import duration
from comus_core.workspace import open_workspace

READ_EVERY = 0.3  # seconds between two readings of a log that is followed
JOB = click.argument("job_id", metavar="JOB", type=int)


@click.group()
def jobs() -> None:
    """Jobs in the background: list them, read their history, logs and results, cancel and resume them."""


@jobs.command("list")
@WORKSPACE
def list_command(workspace: str | None) -> None:
    """List the jobs, the newest first."""
    place = open_workspace(workspace)
    if list_jobs(place, ACTIVE):
        ensure_supervisor(place)  # what died while nobody watched is seen now
    listed = list_jobs(place)
    if not listed:
        click.echo("no jobs yet: `comus run DATASET --background` makes one")
    for job in listed:
        click.echo(job_line(job, time.time()))


@jobs.command("show")
@JOB
@WORKSPACE
@JSON
def show_command(job_id: int, workspace: str | None, json_file: OutputFile | None) -> None:
    """Show a job and its history: every state, stage and attempt, with the reason."""
    place = open_workspace(workspace)
    job, history = get(place, job_id), events(place, job_id)
    if json_file is not None:
        entries = [asdict(event) for event in history]
        give({"job": job.id, "kind": job.kind, "state": job.state, "events": entries}, json_file)
        return
    click.echo(job_line(job, time.time()))
    for event in history:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event.at))
        click.echo(f"{when}  attempt {event.attempt}  {event.kind:10}  {event.text}".rstrip())


@jobs.command("first")
@JOB
@WORKSPACE
def first_command(job_id: int, workspace: str | None) -> None:
    """Let a queued job start before all others that are queued now."""
    place = open_workspace(workspace)
    if get(place, job_id).state != "queued":
        raise WorkspaceError(f"job {job_id} is {get(place, job_id).state}: only queued jobs can be moved in the queue")
    click.echo(job_line(prioritise(place, job_id), time.time()))


@jobs.command("log")
@JOB
@click.option("--follow", "-f", is_flag=True, help="Go on printing until the job has ended.")
@WORKSPACE
def log_command(job_id: int, follow: bool, workspace: str | None) -> None:
    """Print the log of a job."""
    place = open_workspace(workspace)
    job = get(place, job_id)
    if not follow:
        click.echo(read_log(job, tail_bytes=1_000_000), nl=False)
        return
    ensure_supervisor(place)
    read = 0
    while True:
        job = get(place, job_id)  # before the log is read: what a job says, it says before it ends
        read = read if read <= log_size(job.log_path) else 0  # it was rotated
        text = read_from(job.log_path, read)
        click.echo(text.decode(errors="replace"), nl=False)
        read += len(text)
        if job.state in FINAL:
            break
        time.sleep(READ_EVERY)
    click.echo(job_line(job, time.time()))


@jobs.command("result")
@JOB
@WORKSPACE
@JSON
def result_command(job_id: int, workspace: str | None, json_file: OutputFile | None) -> None:
    """Print the result of a finished job as JSON, or write it to a file."""
    result = read_result(get(open_workspace(workspace), job_id))
    give(result, json_file or OutputFile(Path("-")))


@jobs.command("cancel")
@JOB
@WORKSPACE
def cancel_command(job_id: int, workspace: str | None) -> None:
    """Stop a job; what is finished is kept."""
    place = open_workspace(workspace)
    job = cancel(place, job_id)
    if job.state == "cancelling":
        ensure_supervisor(place)
    click.echo(job_line(job, time.time()))


@jobs.command("resume")
@JOB
@WORKSPACE
def resume_command(job_id: int, workspace: str | None) -> None:
    """Start a cancelled, failed or lost job again; it goes on from what is finished."""
    place = open_workspace(workspace)
    job = resume(place, job_id)
    ensure_supervisor(place)
    click.echo(job_line(job, time.time()))


def job_line(job: Job, now: float) -> str:
    """One line on a job: state, where it stands, what it works on, and why it ended."""
    parts = [f"{job.id:>4}  {job.state:10}", f"{job.kind} {title(job)}"]
    if job.state in ("running", "cancelling"):
        parts.append(f"{job.stage} {job.step}/{job.total}" if job.stage else "starting")
        left = eta_seconds(job, now)
        parts += [f"{duration(left)} left in this stage"] if left is not None else []
        parts += [] if is_responding(job, now) else ["not responding"]
    parts += [f"attempt {job.attempt}"] if job.attempt > 1 else []
    parts += [f"priority {job.priority}"] if job.priority else []
    parts += [f"run {job.run}"] if job.run else []
    parts += [job.error] if job.error else []
    return "  ".join(parts)
