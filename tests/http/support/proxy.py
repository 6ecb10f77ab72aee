"""A wire between the service and PostgreSQL that a test can cut: also after a transaction has
committed and before the service hears of it, which no stop of a server does reliably."""

import socket
import threading


class Proxy:
    """Listens on a free port of 127.0.0.1 and passes everything on to a port of 127.0.0.1."""

    def __init__(self, port):
        self.target = ("127.0.0.1", port)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.sockets = []
        self.is_deaf = False  # answers are thrown away
        self.n_swallowed = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                inner, _ = self.listener.accept()
            except OSError:
                return
            try:
                outer = socket.create_connection(self.target)
            except OSError:
                inner.close()
                continue
            with self.lock:
                self.sockets += [inner, outer]
            threading.Thread(target=self.pump, args=(inner, outer, False), daemon=True).start()
            threading.Thread(target=self.pump, args=(outer, inner, True), daemon=True).start()

    def pump(self, source, sink, is_answer):
        try:
            while True:
                received = source.recv(65536)
                if not received:
                    break
                if is_answer and self.is_deaf:
                    self.n_swallowed += len(received)
                else:
                    sink.sendall(received)
        except OSError:
            pass
        self.end(source)
        self.end(sink)

    @staticmethod
    def end(connection):
        """Wakes whoever reads from it, too; a close alone would not."""
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        connection.close()

    def swallow_answers(self):
        """From now on requests arrive, and their answers don't."""
        self.is_deaf = True

    def cut(self):
        """Ends every connection; new ones work again."""
        with self.lock:
            sockets, self.sockets = self.sockets, []
        for connection in sockets:
            self.end(connection)
        self.is_deaf = False

    def close(self):
        self.listener.close()
        self.cut()
