# One image for every part: `shelfmate migrate`, `shelfmate serve`, `shelfmate worker`. See docs/operations.md.
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
# Where torch and torchvision come from. On x86 the default index's torch brings CUDA libraries of several GB; an index
# of CPU builds saves them: docker build --build-arg TORCH_INDEX_URL=<that index's URL> .
ARG TORCH_INDEX_URL=
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /opt/shelfmate
ENV PATH=/opt/shelfmate/bin:$PATH
WORKDIR /src

COPY constraints.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    if [ -n "$TORCH_INDEX_URL" ]; then \
        pip install --constraint constraints.txt --index-url "$TORCH_INDEX_URL" torch torchvision; \
    fi

# The dependencies alone first, beside empty packages: an edit of the code does not install them again.
COPY pyproject.toml README.md ./
RUN --mount=type=cache,target=/root/.cache/pip \
    mkdir backend workers migrations && touch backend/__init__.py workers/__init__.py migrations/__init__.py \
    && pip install --constraint constraints.txt . && pip uninstall --yes shelfmate && rm -r build backend workers migrations

COPY backend backend
COPY workers workers
COPY migrations migrations
RUN pip install --no-deps --no-cache-dir .

FROM ${PYTHON_IMAGE}
RUN groupadd --gid 10001 shelfmate \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin shelfmate
COPY --from=build /opt/shelfmate /opt/shelfmate
# Models come with the packages: nothing is downloaded, and nothing is written outside /tmp.
ENV PATH=/opt/shelfmate/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HF_HUB_OFFLINE=1 \
    SHELFMATE_HOST=0.0.0.0 \
    SHELFMATE_HOME=/tmp/shelfmate
WORKDIR /tmp
USER 10001:10001
EXPOSE 8000
ENTRYPOINT ["shelfmate"]
CMD ["serve"]
