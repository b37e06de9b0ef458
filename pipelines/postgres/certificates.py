"""Why a server's certificate isn't accepted, of which libpq says no more than that it isn't."""

import socket
import ssl
import struct

from psycopg.conninfo import conninfo_to_dict

SSL_REQUEST = struct.pack(">II", 8, 80877103)
SECONDS = 10.0


def why_refused(dsn: str) -> str:
    """Look at the certificate once more, and say what is wrong with it; empty when that can't be learnt.

    It is checked against what ``sslrootcert`` names.
    """
    parts = {name: str(value) for name, value in conninfo_to_dict(dsn).items()}
    host, port = parts.get("host", "localhost").split(",")[0], parts.get("port", "5432").split(",")[0]
    trusted = parts.get("sslrootcert", "system")
    try:
        context = ssl.create_default_context(cafile=None if trusted == "system" else trusted)
        context.check_hostname = parts.get("sslmode") == "verify-full"
        with socket.create_connection((host, int(port)), SECONDS) as server:
            server.sendall(SSL_REQUEST)
            if server.recv(1) == b"S":
                context.wrap_socket(server, server_hostname=host).close()
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    except (OSError, ValueError):
        return ""
    return ""
