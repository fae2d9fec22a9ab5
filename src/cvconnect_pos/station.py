"""A whole till from one TOML file: provider, journal and devices, composed and started."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from cvconnect_pos.clock import Clock, SystemClock
from cvconnect_pos.credential import Credential, refusal_beside
from cvconnect_pos.debuglog import DebugLog
from cvconnect_pos.devices import Presentation, StationDevices
from cvconnect_pos.engine import Engine
from cvconnect_pos.errors import ConfigError
from cvconnect_pos.identifiers import check_reference
from cvconnect_pos.operations import Operations
from cvconnect_pos.payment import Payment
from cvconnect_pos.peripherals import Display, Health, HealthLevel, Printer, Scanner
from cvconnect_pos.posts import sentence_of
from cvconnect_pos.tender import REQUEST_ID_MAX, Tender
from cvconnect_pos.tickets import MERCHANT_COPY, PARIS
from cvconnect_pos.waiting_tickets import WaitingTicket

if TYPE_CHECKING:
    from cvconnect_pos.configuration import StationFile
    from cvconnect_pos.gateway.base import PaymentGateway
    from cvconnect_pos.journal.base import Journal
    from cvconnect_pos.journal.closings import Closing


class Station:
    """One till. Open it once, when the till starts; it belongs to one process.

    Args:
        engine: What drives the payments; owned.
        devices: What shows, scans and prints; owned.
        tender: Made for the engine.
        journal: The engine's journal.
        log: A debug log that is closed last, or None.
    """

    def __init__(
        self,
        engine: Engine,
        devices: StationDevices,
        tender: Tender,
        journal: Journal,
        *,
        log: DebugLog | None = None,
    ) -> None:
        self._log = log
        self._engine = engine
        self._devices = devices
        self._clock = engine.clock
        self._journal = journal
        self.operations = Operations(journal)
        """What the journal holds: *Mes opérations*, *Toutes*, open items, and what a period came to."""
        self.tender = tender
        """*Chèque-Vacances Connect* as a means of payment."""

    @classmethod
    def open(cls, path: str | Path, *, clock: Clock | None = None) -> Self:
        """Compose the till that a station file describes, and take up what an earlier run left open.

        Args:
            path: The file.
            clock: Where time comes from; tests give a virtual one.

        Returns:
            The station; close it, or use it in a `with`.

        Raises:
            ConfigError: The file is wrong: says file, key and remedy.
            JournalError: The journal cannot be opened.
        """
        from cvconnect_pos.configuration import read_station_file
        from cvconnect_pos.journal.sqlite import SqliteJournal

        path, clock = Path(path), clock or SystemClock()
        file = read_station_file(path)
        devices = _devices(file, path, clock)
        gateway = make_gateway(file, path)
        try:
            journal = SqliteJournal.of_table(file.journal, path.parent)
        except BaseException:
            gateway.close()
            raise
        provider = file.provider
        engine = Engine(
            gateway,
            journal,
            devices=devices,
            clock=clock,
            call_timeout_s=provider.timeout_s,
            calls_per_s=provider.calls_per_s,
            speed=provider.poll_speed,
            credential=Credential(gateway.fingerprint, refusal_beside(path.parent / file.journal.path)),
        )
        tender = Tender(
            engine, floor_cents=file.tender.floor_cents, way=file.tender.way, seller_id=file.tender.seller_id
        )
        station = cls(engine, devices, tender, journal, log=_debug_log(file, path, clock))
        devices.start(engine)
        try:
            engine.recover()
        except BaseException:
            station.close()
            raise
        devices.print_what_is_owed()
        return station

    def unacknowledged(self) -> list[Payment]:
        """List the payments whose outcome the till has not acknowledged, oldest first: results from before a crash."""
        return self._engine.unacknowledged()

    def resume(self, request_id: str) -> Payment:
        """Come back to a payment.

        Args:
            request_id: The till's name of the tender line.

        Returns:
            The payment, open or over.

        Raises:
            InvalidInput: `REQUEST_UNKNOWN`.
        """
        return self._engine.resume(check_reference(request_id, "request_id", limit=REQUEST_ID_MAX))

    def reprint(self, request_id: str, copy: str = MERCHANT_COPY) -> None:
        """Print the ticket of an operation again; see `Payment.reprint`. What the customer sees stays as it is.

        Args:
            request_id: The till's name of the tender line.
            copy: Whose copy, *COPIE COMMERÇANT* or *COPIE CLIENT*.

        Raises:
            InvalidInput: `REQUEST_UNKNOWN` or `CHOICE_UNKNOWN`.
            NotAllowedNow: `NO_TICKET`, `NO_PRINTER` or `STATION_CLOSED`.
        """
        self._engine.find(check_reference(request_id, "request_id", limit=REQUEST_ID_MAX)).reprint(copy)

    def waiting_tickets(self) -> Sequence[WaitingTicket]:
        """List the tickets that come out as soon as the printer is ready, oldest first, and why each of them waits."""
        return self._devices.waiting_tickets()

    def hint(self, transaction_id: str, payment_id: str) -> None:
        """Look soon at one attempt: a notification says that there is news. See `NotificationReceiver`.

        Args:
            transaction_id: The provider's id, or an empty text.
            payment_id: Our reference at the provider, or an empty text. Ids that are not ours are ignored.
        """
        self._engine.hint(transaction_id, payment_id)

    def close_day(self, day: date | None = None, *, timeout_s: float = 30.0) -> Sequence[Closing]:
        """Close a day: ask once more about all that is open or watched, then write signed totals.

        Args:
            day: The day in Paris; today when left out.
            timeout_s: How long to wait for the provider's answers, in seconds. A provider that is away keeps no day open.

        Returns:
            The closings that were written: the day's, and the month's and year's that end with it.

        Raises:
            NotAllowedNow: `DAY_HAS_OPEN_ITEMS`: see `operations.list(open_only=True)`.
            InvalidInput: A day that cannot be closed; see `Journal.close_day`.
        """
        self._engine.look_at_all(timeout_s)
        now = self._clock.now()
        return self._journal.close_day(day or now.astimezone(PARIS).date(), now)

    def check_health(self, level: HealthLevel = "internal") -> dict[str, Health]:
        """Ask every device how it is; the keys are their URLs."""
        return self._devices.check_health(level)

    def close(self) -> None:
        """Clear the displays, give the devices back, stop. Open attempts stay in the journal; nothing is cancelled."""
        with ExitStack() as all_of_it:  # each of them, whatever becomes of the one before
            if self._log is not None:
                all_of_it.callback(self._log.close)
            all_of_it.callback(self._engine.close)
            all_of_it.callback(self._devices.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def make_gateway(file: StationFile, path: Path) -> PaymentGateway:
    """Make the gateway that a station file describes; nothing is sent.

    Args:
        file: Its content.
        path: Where it is, for the secrets beside it and for the errors.

    Returns:
        The gateway; close it.

    Raises:
        ConfigError: The address, the secret or a package is missing or wrong.
    """
    from cvconnect_pos.configuration import read_secret
    from cvconnect_pos.gateway.ancv import AncvGateway, Merchant
    from cvconnect_pos.gateway.seal import SealKey
    from cvconnect_pos.transports.requests import RequestsTransport, checked_url
    from cvconnect_pos.transports.traced import TracedTransport

    provider = file.provider
    production = provider.environment == "production"
    secret = read_secret(provider.seal_key, key="provider.seal_key", path=path)
    try:
        checked_url(provider.url, production=production)
    except ConfigError as error:
        raise ConfigError(error.code, file=str(path), key="provider.url") from error
    try:
        transport = RequestsTransport(
            provider.url,
            till_id=file.shop.till_id,
            production=production,
            proxy=provider.proxy,
            ca_bundle=provider.ca_bundle,
        )
    except ModuleNotFoundError as error:
        raise _missing(error, path, "provider.url") from error
    merchant = Merchant(provider.shop_id, provider.service_provider_id)
    key = SealKey(provider.seal_key_version, secret)
    return AncvGateway(TracedTransport(transport, SystemClock()), merchant, key, production=production)


def _debug_log(file: StationFile, path: Path, clock: Clock) -> DebugLog | None:
    if not file.log.debug_days:
        return None
    start = path.parent / (file.log.path or file.journal.path)
    return DebugLog(start, days=file.log.debug_days, clock=clock)


def make_devices(file: StationFile, path: Path) -> tuple[list[Scanner], list[Display], Printer | None]:
    """Make the devices that a station file names; none is claimed.

    Args:
        file: Its content.
        path: Where it is, for the errors.

    Returns:
        The scanners, the displays, and the printer when there is one.

    Raises:
        ConfigError: No driver has that URL, or its driver refuses the table.
    """

    def every(tables: tuple[dict[str, Any], ...], key: str, kind: Any) -> list[Any]:
        return [_device(table, f"{key}[{n}]", key, kind, path) for n, table in enumerate(tables)]

    printer = _device(file.printer, "printer", "printers", Printer, path) if file.printer else None
    return every(file.scanners, "scanners", Scanner), every(file.displays, "displays", Display), printer


def _devices(file: StationFile, path: Path, clock: Clock) -> StationDevices:
    from cvconnect_pos.configuration import FALLBACK, read_logo

    scanners, displays, printer = make_devices(file, path)
    ranks = [bool(table.get(FALLBACK)) for table in file.displays]
    return StationDevices(
        scanners=scanners,
        displays=[display for display, last in zip(displays, ranks, strict=True) if not last],
        fallbacks=[display for display, last in zip(displays, ranks, strict=True) if last],
        printer=printer,
        presentation=Presentation(
            shop=(file.shop.name, *file.shop.address),
            language=file.shop.language,
            ticket_language=file.tickets.language,
            logo=read_logo(file, path),
            merchant_copy=file.tickets.merchant_copy,
            customer_copy=file.tickets.customer_copy,
            unpaid=file.tickets.unpaid,
            reversed=file.tickets.reversed,
        ),
        clock=clock,
    )


def _device(table: Mapping[str, Any], key: str, group: str, kind: Any, path: Path) -> Any:
    """Make a device from its table: the URL's scheme names the entry point, and its driver takes the rest."""
    from importlib.metadata import entry_points

    from cvconnect_pos.configuration import FALLBACK

    url = table.get("url")
    if not isinstance(url, str):
        raise ConfigError("CONFIG_KEY_MISSING", file=str(path), key=f"{key}.url")
    drivers = entry_points(group=f"cvconnect.{group}")
    scheme = url.partition(":")[0]
    if scheme not in drivers.names:
        allowed = ", ".join(sorted(f"{name}:" for name in drivers.names))
        raise ConfigError("CONFIG_DEVICE", file=str(path), key=f"{key}.url", url=url, allowed=allowed)
    ours = {"url", FALLBACK} if group == "displays" else {"url"}
    options = {name: value for name, value in table.items() if name not in ours}
    try:
        factory: Callable[[str, Mapping[str, object]], object] = drivers[scheme].load()
        device = factory(url, options)
    except ModuleNotFoundError as error:
        raise _missing(error, path, key) from error
    except Exception as error:  # a driver may raise anything, a broken one even when it is imported
        raise ConfigError(
            "CONFIG_DEVICE_REFUSED", file=str(path), key=key, detail=sentence_of(error)
        ) from error
    if not isinstance(device, kind):
        raise ConfigError(
            "CONFIG_DEVICE_REFUSED", file=str(path), key=key, detail=f"{scheme}: {kind.__name__}"
        )
    return device


def _missing(error: ModuleNotFoundError, path: Path, key: str) -> ConfigError:
    return ConfigError("CONFIG_EXTRA_MISSING", file=str(path), key=key, package=error.name or "?")
