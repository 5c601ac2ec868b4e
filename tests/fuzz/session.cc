#include "fuzz/pipe.h"
#include "net/loop_parts.h"

namespace quorate::fuzz {

Session::Session() : loop_("fuzz") {
  loop_.impl()->thread_id = std::this_thread::get_id();
}

Session& Session::Get() {
  static Session& session = *new Session();  // never torn down: a loop is not stopped from within
  return session;
}

void Session::Run(const std::function<void(std::shared_ptr<net::Connection>)>& accept, Feed shape,
                  std::string_view bytes) {
  const auto pipe = std::make_shared<Pipe>(loop_);
  pipe->Hold(shape.Flag());
  accept(pipe);
  constexpr int kPiecesMax = 8;
  for (int i = 1; i <= kPiecesMax && !bytes.empty(); ++i) {
    const std::uint64_t size = i == kPiecesMax || shape.empty() ? bytes.size() : shape.Number();
    const std::string_view piece = bytes.substr(0, size);
    bytes.remove_prefix(piece.size());
    pipe->Arrive(piece);
    Settle();
  }
  pipe->Hold(false);
  Settle();
  pipe->End();
  Settle();
}

void Session::Settle() {
  // A turn that posts the next one for ever would hang here, and be found.
  net::EventLoop::Impl& parts = *loop_.impl();
  while (parts.Patience() == 0) parts.RunReady();
}

}  // namespace quorate::fuzz
