"""Proxies in front of the processes of a test: nginx before instances of the service, HAProxy before databases."""

import socket
import subprocess
from contextlib import contextmanager

from e2e.processes import wait_until
from todo_api.tests.server import free_port

NGINX = """daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  upstream tasks {{ {servers} keepalive 16; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://tasks; proxy_http_version 1.1;
      proxy_set_header Connection ""; proxy_set_header Host $host; }}
  }}
}}
"""
# Patroni answers 200 to GET /primary on the node that holds the lease, and 503 on the others.
HAPROXY = """defaults
  mode tcp
  timeout connect 1s
  timeout client 30m
  timeout server 30m
  timeout check 1s
listen primary
  bind 127.0.0.1:{port} name primary
  option httpchk GET /primary
  default-server check inter 500ms fall 2 rise 1 on-marked-down shutdown-sessions
{servers}
"""


def listens(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def nginx(folder, ports):
    """A load balancer in front of services; yields its port."""
    port = free_port()
    servers = " ".join(f"server 127.0.0.1:{each} max_fails=0;" for each in ports)
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port, servers=servers))
    with running(["nginx", "-c", folder / "nginx.conf", "-p", folder], port):
        yield port


@contextmanager
def haproxy(folder, nodes):
    """A proxy to the primary of Patroni's nodes; yields its port."""
    port = free_port()
    servers = "\n".join(f"  server {node.name} 127.0.0.1:{node.database_port} port {node.port}" for node in nodes)
    (folder / "haproxy.cfg").write_text(HAPROXY.format(port=port, servers=servers))
    with running(["haproxy", "-db", "-q", "-f", folder / "haproxy.cfg"], port):
        yield port


@contextmanager
def running(command, port):
    process = subprocess.Popen(command)
    try:
        wait_until(lambda: listens(port))
        yield
    finally:
        process.terminate()
        process.wait(20)
