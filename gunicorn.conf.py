"""gunicorn's settings; every variable is in .env.example."""

import os
from pathlib import Path

bind = f"0.0.0.0:{os.environ.get('PORT', '8000')}"
wsgi_app = "todo_api.wsgi:application"
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("WEB_THREADS", "4"))
timeout = 30
graceful_timeout = 10
keepalive = 75  # longer than the idle time of common proxies, so that the proxy closes first
max_requests = 100_000
max_requests_jitter = 10_000
control_socket_disable = True
memory = Path("/dev/shm")  # noqa: S108
worker_tmp_dir = str(memory) if memory.is_dir() else None  # a heartbeat on a disk can block
accesslog = None  # todo_api.middleware writes the request log
