"""django-athm under gunicorn with two workers, as its documentation mounts it, with two receivers of payment_completed.

Serves on a port that it prints, on the database whose URL is its argument, until it is killed or its input ends.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import uuid
from urllib.parse import parse_qs, unquote, urlsplit


def database(url):
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        options = {"timeout": 60, "transaction_mode": "IMMEDIATE",
                   "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"}
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": url.removeprefix("sqlite://"), "OPTIONS": options}
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return {
        "ENGINE": "django.db.backends.postgresql", "NAME": parts.path.lstrip("/"), "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""), "HOST": unquote(parts.hostname or query.get("host", "")),
        "PORT": str(parts.port or ""), "CONN_MAX_AGE": None, "OPTIONS": {"options": query.get("options", "")},
    }


def configure(url):
    import django
    from django.conf import settings

    settings.configure(
        ALLOWED_HOSTS=["*"], DATABASES={"default": database(url)}, USE_TZ=True, ROOT_URLCONF="serve", SECRET_KEY="bench",
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField", LOGGING_CONFIG=None,
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django_athm"],
        DJANGO_ATHM_PUBLIC_TOKEN="public", DJANGO_ATHM_PRIVATE_TOKEN="private",
    )
    django.setup()


def callback(request):
    """The benchmark's callbacks lack what a webhook has. A payment that isn't there is an answer of 500."""
    from django.http import JsonResponse
    from django_athm.models import Payment
    from django_athm.views import process_webhook_request

    body = json.loads(request.body)
    ecommerce_id = str(uuid.uuid4())
    body.update(ecommerceId=ecommerce_id, date="2026-11-27 10:00:00", transactionDate="2026-11-27 10:00:00")
    for item in body["items"]:
        item["sku"] = ""
    request._body = json.dumps(body).encode()
    process_webhook_request(request)
    response = JsonResponse({"result": "recorded"}, status=201)
    # As Django's CommonMiddleware does. Without it, gunicorn sends the body in chunks.
    response["Content-Length"] = len(response.content)
    return response


def application(environ, start_response):
    return WSGI(environ, start_response)


urlpatterns = []

if "ATHM_BENCH_DATABASE" in os.environ:
    configure(os.environ["ATHM_BENCH_DATABASE"])
    from django.core.wsgi import get_wsgi_application
    from django.urls import path
    from django.views.decorators.csrf import csrf_exempt
    from django_athm.signals import payment_completed

    receivers = [lambda sender, payment, **_: None for _ in range(2)]
    for receiver in receivers:
        payment_completed.connect(receiver)
    urlpatterns.append(path("athm/callback", csrf_exempt(callback)))
    WSGI = get_wsgi_application()


def main():
    url = sys.argv[1]
    configure(url)
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
    folder = os.path.dirname(os.path.abspath(__file__))
    command = [os.path.join(os.path.dirname(sys.executable), "gunicorn"), "--workers", "2", "--worker-class", "gthread",
               "--threads", "4", "--keep-alive", "60", "--bind", f"127.0.0.1:{port}", "--chdir", folder, "serve:application"]
    server = subprocess.Popen(command, env={**os.environ, "ATHM_BENCH_DATABASE": url}, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, start_new_session=True)

    def stop(*_):
        os.killpg(server.pid, signal.SIGKILL)
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except OSError:
            if server.poll() is not None:
                sys.exit("gunicorn ended")
    print(f"127.0.0.1:{port}", flush=True)
    threading.Thread(target=lambda: (sys.stdin.read(), stop())).start()
    server.wait()


if __name__ == "__main__":
    main()
