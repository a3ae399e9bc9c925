# The original system's UDP server, as its report prints it. PORT stands for 12345.
import queue
import socket
import threading


def receive():
    while True:
        try:
            message, addr = server_socket.recvfrom(1024)
            message_queue.put((message, addr))
            print(f"Mensagem recebida de {addr}")
        except:
            print("Erro ao receber mensagem.")


message_queue = queue.Queue()  # Fila de encaminhamento de mensagens
clients = set()

server_socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server_socket.bind(("localhost", PORT))
print("Servidor UDP aguardando mensagens...")

t1 = threading.Thread(target=receive)
t1.start()


def broadcast():
    while True:
        while not message_queue.empty():
            message, addr = message_queue.get()
            print(message.decode())

            if addr not in clients:
                clients.add(addr)

            # Se a mensagem for "ping", responde para o remetente
            if message.decode() == "ping":
                server_socket.sendto(b"ping", addr)
                break

            for client in clients:
                if client != addr:
                    try:
                        server_socket.sendto(f"{addr} disse: {message.decode()}".encode(), client)
                        print(f"Enviando mensagem para {client}")
                    except:
                        clients.remove(client)


t2 = threading.Thread(target=broadcast)
t2.start()
