# The four processes in one container: not root, one volume, stopped in order by SIGTERM.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PYTHONPATH=/app \
    PATH=/venv/bin:$PATH \
    PRINTFARM_DATA_DIR=/data

RUN python -m venv /venv
COPY requirements.lock /app/
RUN /venv/bin/pip install --require-hashes -r /app/requirements.lock
COPY . /app
RUN printf '#!/bin/sh\nexec /venv/bin/python -m printfarm.cli "$@"\n' >/usr/local/bin/printfarm \
    && chmod 755 /usr/local/bin/printfarm \
    && python -m compileall -q /app/printfarm /app/hub /app/jobs \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin printfarm \
    && mkdir -p /data \
    && chown printfarm:printfarm /data

WORKDIR /app
USER 10001
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["/venv/bin/python", "-m", "printfarm.processes.health"]
CMD ["/venv/bin/python", "-m", "printfarm.cli", "up"]
