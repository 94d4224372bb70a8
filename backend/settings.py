"""Every setting of Shelfmate, its default and its environment variable."""

from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from backend.errors import ConfigurationError

Engine = Literal["auto", "torch", "openvino", "openvino-bf16"]


class Settings(BaseSettings):
    """Read from the environment: ``SHELFMATE_`` plus the field's name in capitals, unless an alias is given."""

    model_config = SettingsConfigDict(env_prefix="SHELFMATE_", frozen=True, populate_by_name=True)

    home: Path = Field(default=Path("~/.shelfmate"), description="State of the embedded server and reports.")
    # They may hold a password, which no log and no stack trace has to show.
    database_url: str | None = Field(
        default=None,
        repr=False,
        validation_alias="DATABASE_URL",
        description="A Postgres server with pgvector >= 0.8.4. Without it Shelfmate runs its own under `home`.",
    )
    read_database_url: str | None = Field(
        default=None, repr=False, description="A replica that answers the read-only queries."
    )

    host: str = Field(default="127.0.0.1", description="Address that the server listens on.")
    port: int = Field(default=8000, ge=1, le=65535, description="Port that the server listens on.")
    require_keys: bool = Field(
        default=False, description="Whether the API and `/admin` ask for a key of `shelfmate keys create`."
    )
    threads: int = Field(default=8, ge=1, le=256, description="Request threads of the server; they share one model.")
    pool_size: int = Field(default=10, ge=1, le=200, description="Most database connections of one process.")
    statement_timeout: float = Field(
        default=30, ge=0, le=86_400, description="Seconds that a statement for an HTTP request may take; 0: no limit."
    )
    max_queue: int = Field(
        default=200_000,
        ge=1,
        le=10**9,
        description="Products waiting to be embedded in the active space; from so many on, bulk requests get 429.",
    )
    max_upload_bytes: int = Field(default=20 * 2**20, ge=1024, description="Largest request body.")

    recommendation_ttl: int = Field(default=900, ge=1, le=10**7, description="Seconds that a list can be paged.")

    text_encoder: str = Field(default="minilm", description="Text encoder of the default embedding space.")
    image_encoder: str = Field(default="efficientnet-lite0", description="Image encoder of the default space.")
    text_engine: Engine = Field(
        default="auto",
        description="What runs the text encoder: `torch`, `openvino`, `openvino-bf16`, or `auto`, the fastest here.",
    )
    image_engine: Engine = Field(
        default="auto",
        description="What runs the image encoder: `torch`, `openvino`, `openvino-bf16`, or `auto`, the fastest here.",
    )

    batch_size: int = Field(default=64, ge=1, le=1024, description="Most products that a worker encodes at once.")
    lease_seconds: float = Field(
        default=15, gt=0, le=86_400, description="How long a worker holds a job without a heartbeat."
    )
    hang_seconds: float = Field(
        default=120,
        gt=0,
        le=86_400,
        description="A worker whose batch makes no step for so long ends itself; its jobs come back.",
    )
    poll_seconds: float = Field(
        default=5, gt=0, le=86_400, description="The worker looks for jobs this often if no NOTIFY comes."
    )
    max_attempts: int = Field(default=5, ge=1, le=1_000, description="A job that failed this often is dead.")

    upkeep_seconds: float = Field(default=300, gt=0, le=10**7, description="How often a worker does upkeep.")
    audit_sample: int = Field(
        default=100, ge=0, le=10_000, description="Most queries that one upkeep compares with their exact answers."
    )
    target_recall: float = Field(
        default=0.99, gt=0.5, le=1, description="Upkeep tunes each space's `ef_search` to this recall."
    )

    def model_post_init(self, _context: object) -> None:
        # Frozen, so the one derived value is set past the guard.
        object.__setattr__(self, "home", self.home.expanduser().absolute())


def load_settings() -> Settings:
    """The settings of this process.

    Raises:
        ConfigurationError: a variable's value does not fit; the message names the variable.
    """
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(f"{_variable(item['loc'])}: {item['msg']}" for item in error.errors())
        raise ConfigurationError(f"Settings that cannot be used: {problems}") from error


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once."""
    return load_settings()


def _variable(location: tuple[int | str, ...]) -> str:
    name = str(location[0])
    return name if name.isupper() else f"SHELFMATE_{name.upper()}"
