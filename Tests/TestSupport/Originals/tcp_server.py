import socket
import threading

clients = []


def handle_client(conn, addr, clients):
    print(f"Cliente conectado: {addr}")
    while True:
        message = conn.recv(1024).decode()
        if not message or message == "/sair":
            print(f"Cliente desconectado: {addr}")
            clients.remove(conn)
            conn.close()
            break

        print(f"{addr} disse: {message}")

        for client in clients:
            if client != conn:
                client.send(f"{addr} disse: {message}".encode())


server_socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server_socket.bind(("localhost", PORT))
server_socket.listen()
print("Servidor TCP aguardando conexões...")

while True:
    conn, addr = server_socket.accept()
    clients.append(conn)
    thread = threading.Thread(target=handle_client, args=(conn, addr, clients))
    thread.start()
