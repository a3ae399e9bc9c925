-- What the relay itself says to a client. These texts never begin with "(", as those of people do, and are one line.

local words = {
  -- Hooks that were to decide about a text failed: nobody got it.
  withheld = "Sua mensagem não foi enviada.",
  failed = "O comando falhou.",
}

relay.default("system_message", function(_, kind)
  return words[kind]
end)
