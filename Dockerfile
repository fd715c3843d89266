# The first stage installs the packages. The second stage contains the packages and the code.
FROM python:3.14-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /venv
COPY requirements.txt .
RUN /venv/bin/pip install --require-hashes -r requirements.txt

FROM python:3.14-slim
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOST=0.0.0.0 PORT=7860 \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
RUN useradd --uid 1000 --no-create-home --home-dir /app app
WORKDIR /app
COPY --from=build /venv /venv
COPY manage.py gunicorn.conf.py ./
COPY todo_api todo_api
COPY tasks tasks
# Collect and compress the static files of the admin and of the documentation. This key signs nothing.
RUN mkdir static && DJANGO_SECRET_KEY=collecting-static-files python manage.py collectstatic --noinput --verbosity 0 \
    && python -m whitenoise.compress --quiet static && python -m compileall -q todo_api tasks
USER 1000
EXPOSE 7860
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/health\", timeout=2)"]
# Run the migrations in a separate step: python manage.py migrate
CMD ["python", "-m", "todo_api"]
