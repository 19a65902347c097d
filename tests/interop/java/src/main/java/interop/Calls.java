package interop;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** Counts what passed, and keeps what did not, so that one run shows all differences. */
final class Calls {
  private int passed;
  private final List<String> failed = new ArrayList<>();

  /** Work that may throw. */
  interface Work<T> {
    T run() throws Exception;
  }

  /** Work without a result. */
  interface Action {
    void run() throws Exception;
  }

  /** Makes one call; `holds` states what must be true of its result. */
  <T> T ask(String name, Work<T> work, Predicate<T> holds) {
    try {
      T result = work.run();
      if (holds.test(result)) {
        passed++;
      } else {
        failed.add(name + ": unexpected result: " + result);
      }
      return result;
    } catch (Exception e) {
      failed.add(name + ": " + e);
      return null;
    }
  }

  void run(String name, Action work) {
    ask(
        name,
        () -> {
          work.run();
          return true;
        },
        done -> done);
  }

  /** Makes a call that must fail with an error of that class. */
  void refuse(String name, Class<? extends Exception> expected, Action work) {
    try {
      work.run();
      failed.add(name + ": did not fail");
    } catch (Exception e) {
      if (expected.isInstance(e)) {
        passed++;
      } else {
        failed.add(name + ": unexpected error: " + e);
      }
    }
  }

  static <T> List<T> all(Iterable<T> items) {
    List<T> out = new ArrayList<>();
    items.forEach(out::add);
    return out;
  }

  int report() {
    failed.forEach(f -> System.err.println("FAILED " + f));
    System.out.printf("%d calls of the Java SDK passed, %d failed%n", passed, failed.size());
    return failed.isEmpty() ? 0 : 1;
  }
}
