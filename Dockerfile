# Two stages: the first has pip and the sources, the second only Python, the packages and the service.
# What each step does is carried out without a container engine by `python3 run.py prove image`.
ARG PYTHON=3.11-slim-bookworm

FROM python:${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# Without a pip of its own: nothing can be installed into the image later.
RUN python -m venv --without-pip /app/venv
COPY requirements.txt ./
# The lists hold the build backend too, so the wheel is built by locked packages and fetches nothing.
RUN python -m pip --python /app/venv/bin/python install --require-hashes -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN python -m pip --python /app/venv/bin/python wheel --no-deps --no-index --no-build-isolation --wheel-dir /wheels . \
    && python -m pip --python /app/venv/bin/python install --no-deps --no-index /wheels/teleflow-*.whl \
    && python -m pip --python /app/venv/bin/python uninstall --yes hatchling editables pathspec pluggy trove-classifiers

FROM python:${PYTHON}
LABEL org.opencontainers.image.title="TeleFlow" \
      org.opencontainers.image.description="Drive many Telegram user accounts over plain HTTP" \
      org.opencontainers.image.licenses="MIT"
# The number is fixed, so that a volume's owner can be set from outside.
RUN groupadd --system --gid 10001 teleflow \
    && useradd --system --uid 10001 --gid 10001 --home-dir /app --no-create-home --shell /usr/sbin/nologin teleflow \
    && install --directory --owner=10001 --group=10001 --mode=0700 /app/data
COPY --from=build /app/venv /app/venv
ENV PATH=/app/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TELEFLOW_DATA_DIR=/app/data \
    SESSIONS_DIR=/app/sessions
# What is named from here (DATABASE_URL=file:./x.db, .env) lies where something can be written, and stays.
WORKDIR /app/data
USER 10001:10001
VOLUME ["/app/data"]
EXPOSE 8001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["teleflow", "health"]
ENTRYPOINT ["teleflow"]
CMD ["serve"]
