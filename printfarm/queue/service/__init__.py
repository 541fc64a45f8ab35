"""Rules of the queue: jobs, their order, what can be printed where, starting, and what a run's end means."""

from printfarm.queue.service.consumption import weigh_run
from printfarm.queue.service.dispatch import start_job
from printfarm.queue.service.feeds import feed_from, refuse_while_fed
from printfarm.queue.service.jobs import add_jobs, cancel_job, find_job, repeat_job, retry_job
from printfarm.queue.service.order import move_job
from printfarm.queue.service.runs import pause_run, resume_run, stop_run
from printfarm.queue.service.settling import settle_run
from printfarm.queue.service.so_far import book_until_now

__all__ = [
    "add_jobs",
    "book_until_now",
    "cancel_job",
    "feed_from",
    "find_job",
    "move_job",
    "pause_run",
    "refuse_while_fed",
    "repeat_job",
    "resume_run",
    "retry_job",
    "settle_run",
    "start_job",
    "stop_run",
    "weigh_run",
]
