# The service, without torch: docker build -t soupstate . && docker run -p 8000:8000 soupstate
FROM node:22-slim AS page
WORKDIR /src/web
COPY web .
RUN npm ci --silent && npm run --silent build

FROM python:3.12-slim AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY kernels kernels
COPY model model
COPY app app
COPY docs/faults docs/faults
COPY web/backend.py web/
COPY --from=page /src/app/http/page app/http/page
COPY soupstate soupstate
RUN python -m venv /opt/soupstate \
    && /opt/soupstate/bin/pip install --no-cache-dir . \
    && /opt/soupstate/bin/pip uninstall -y pip \
    && cd / && /opt/soupstate/bin/python -c "import soupstate.kernels._cpp"

FROM python:3.12-slim
RUN useradd --system --no-create-home soupstate
COPY --from=build /opt/soupstate /opt/soupstate
ENV PATH=/opt/soupstate/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    SOUPSTATE_BACKEND=compiled \
    SOUPSTATE_HOST=0.0.0.0 \
    SOUPSTATE_PORT=8000
USER soupstate
WORKDIR /tmp
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"SOUPSTATE_PORT\"]}/readyz', timeout=2)"]
CMD ["soupstate", "serve"]
