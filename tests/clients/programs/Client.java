import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URL;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;

/** One request as Java sends it: java Client.java CLIENT URL. Prints the version of Java. */
class Client {
  static final String BODY = "{\"model\": \"gpt-4o-mini\", \"messages\": [{\"role\": \"user\", \"content\": \"hello\"}]}";

  public static void main(String[] arguments) throws Exception {
    String url = arguments[1] + "/v1/chat/completions";
    int status = arguments[0].equals("connection") ? connection(url) : client(url, arguments[0]);
    if (status != 200) throw new IllegalStateException("status " + status);
    System.out.println("Java " + System.getProperty("java.version"));
  }

  static int client(String url, String what) throws Exception {
    var version = what.equals("http1") ? HttpClient.Version.HTTP_1_1 : HttpClient.Version.HTTP_2;
    var request = HttpRequest.newBuilder(URI.create(url))
        .header("Authorization", "Bearer sk-dummy")
        .header("Content-Type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString(BODY))
        .build();
    return HttpClient.newBuilder().version(version).build().send(request, BodyHandlers.discarding()).statusCode();
  }

  static int connection(String url) throws Exception {
    var connection = (HttpURLConnection) new URL(url).openConnection();
    connection.setRequestProperty("Authorization", "Bearer sk-dummy");
    connection.setRequestProperty("Content-Type", "application/json");
    connection.setDoOutput(true);
    connection.getOutputStream().write(BODY.getBytes(StandardCharsets.UTF_8));
    return connection.getResponseCode();
  }
}
