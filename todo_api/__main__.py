"""`python -m todo_api`: gunicorn with gunicorn.conf.py. The container runs it.

gunicorn converts WEB_CONCURRENCY while it is imported, before gunicorn.conf.py can refuse a wrong value in one line.
"""

import os
import sys

if not os.environ.get("WEB_CONCURRENCY", "1").strip().isdecimal():
    sys.exit('The service does not start: Environment variable "WEB_CONCURRENCY" invalid: it is not a whole number.')

from gunicorn.app.wsgiapp import run

run(prog="gunicorn")
